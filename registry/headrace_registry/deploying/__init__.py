"""What a platform team needs to run a job's zip on Kubernetes or YARN, as a folder of files."""

from __future__ import annotations

from headrace_registry.deploying._checks import read_settings
from headrace_registry.deploying._files import Files
from headrace_registry.deploying._options import Options
from headrace_registry.deploying.errors import DeployError, OptionError
from headrace_registry.deploying.kubernetes import KubernetesOptions, kubernetes_folder
from headrace_registry.deploying.subject import Subject, read_subject
from headrace_registry.deploying.writing import Change, Folder, changes_of, write_folder
from headrace_registry.deploying.yarn import YarnOptions, yarn_folder

__all__ = [
    "Change",
    "DeployError",
    "Files",
    "Folder",
    "KubernetesOptions",
    "OptionError",
    "Options",
    "Subject",
    "YarnOptions",
    "changes_of",
    "kubernetes_folder",
    "read_settings",
    "read_subject",
    "write_folder",
    "yarn_folder",
]
