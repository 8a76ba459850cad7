"""What answers are graded on and what claims are about, unless a recipe says otherwise."""

ATTRIBUTES = {
    "helpfulness": "how useful the answer is, all in all, to someone who asked this about this image",
    "correctness": "whether it says everything that matters and nothing that the image contradicts",
    "coherence": "whether it is clear and agrees with itself",
    "complexity": "how much thought or expert knowledge it takes to write it; low for what anybody could write",
    "verbosity": "how much it says compared with what was asked for; high for long answers",
}
"""The five attributes of HelpSteer (arXiv 2311.09528), each 0 to 4, as mllm-dpo has them judged."""

SCORED = {"helpfulness": 1.0, "correctness": 1.0, "coherence": 1.0}
"""What mllm-dpo adds up: 0 to 12. Complexity and verbosity do not count."""

ASPECTS = {
    "object": "something is in the image: 'there is a dog'",
    "attribute": "a colour, material, shape, state or activity of one thing: 'the dog is brown'",
    "count": "an exact number of things: 'there are three dogs'",
    "scale": "how large one thing is: 'the dog is small'",
    "spatial": "where one thing is, in the image or beside another: 'the dog is left of the sofa'",
    "relation": "what one thing does to another or has to do with it: 'the dog chews the shoe'",
    "text": "words that can be read in the image: 'the sign says STOP'",
}
