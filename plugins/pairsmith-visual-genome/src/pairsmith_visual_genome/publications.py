"""Where annotated images are published, as the publishers' download pages and the hub's file lists say."""

from pairsmith.publication import Publication, said

_VISUAL_GENOME_IMAGES = Publication(
    files="Visual Genome's images, images.zip and images2.zip",
    address="'homes.cs.washington.edu/~ranjay/visualgenome'",
    size="15 GB",
    licence="CC BY 4.0",
    layout="their folders VG_100K and VG_100K_2 in one folder given as images, or flat",
)

PUBLICATIONS = {
    "gqa": (
        Publication(
            files="train_sceneGraphs.json and val_sceneGraphs.json in sceneGraphs.zip",
            address="'cs.stanford.edu/people/dorarad/gqa'",
            size="43 MB",
            licence="CC BY 4.0",
            layout="one of them as path",
        ),
        _VISUAL_GENOME_IMAGES,
    ),
    "visual-genome": (
        Publication(
            files="scene_graphs.json and image_data.json, a .zip each",
            address="'homes.cs.washington.edu/~ranjay/visualgenome'",
            licence="CC BY 4.0",
            layout="the first as path, the second as image_data",
        ),
        _VISUAL_GENOME_IMAGES,
    ),
    "coco": (
        Publication(
            files="annotations_trainval2014.zip or annotations_trainval2017.zip",
            address="'cocodataset.org'",
            size="241 MB each",
            licence="CC BY 4.0",
            layout="an instances_*.json of its folder annotations as path",
        ),
        Publication(
            files="the images, train2014.zip, val2014.zip, train2017.zip or val2017.zip",
            address="'cocodataset.org'",
            size="13, 6, 18 and 1 GB",
            licence="Flickr's terms of use, and each image's own licence",
            layout="the folder that they are unpacked in as images",
        ),
    ),
}


def where_to_get(source: str) -> str:
    """Return where the data of a source is published, as a sentence."""
    return f"It is published as {said(*PUBLICATIONS[source])}"
