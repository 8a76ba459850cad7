"""What claims are about, unless a recipe says otherwise."""

ASPECTS = {
    "object": "something is in the image: 'there is a dog'",
    "attribute": "a colour, material, shape, state or activity of one thing: 'the dog is brown'",
    "count": "an exact number of things: 'there are three dogs'",
    "scale": "how large one thing is: 'the dog is small'",
    "spatial": "where one thing is, in the image or beside another: 'the dog is left of the sofa'",
    "relation": "what one thing does to another or has to do with it: 'the dog chews the shoe'",
    "text": "words that can be read in the image: 'the sign says STOP'",
}
