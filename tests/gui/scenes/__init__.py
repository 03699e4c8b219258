"""Standing scenes: projects as people have them, and the real window brought to where it is looked at.

``python -m tests.gui.scenes FOLDER`` writes pictures of all of them.
"""

from tests.gui.scenes.many import many
from tests.gui.scenes.standing import SCENES, Scene, Stage

__all__ = ["SCENES", "Scene", "Stage", "many"]
