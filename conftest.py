"""What holds for every test: no model hub is asked, and waiting threads leave the cores to others."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
