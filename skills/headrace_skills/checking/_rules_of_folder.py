"""The rules of what a skill"s folder holds, and of its instructions."""

from __future__ import annotations

from headrace_skills.checking._rule import error, note, warning

__all__ = ["ARCHIVE", "BODY", "FOLDER", "SCRIPTS"]

BODY = (
    warning(
        "body-empty",
        "there are no instructions",
        "What follows the frontmatter is what a model is given.",
        "write what to do, step by step",
    ),
    note(
        "body-long",
        "the SKILL.md has more than 500 lines",
        "All of it goes into the model's context each time; the standard advises 500 at most.",
        "move details into files under references/, and say when to read them",
    ),
    warning(
        "file-missing",
        "a file that is named is not there",
        "A model will try to read or run it.",
        "add the file, or mend its path (it is relative to the skill's folder)",
    ),
    warning(
        "link-absolute",
        "a link names an absolute path",
        "The skill is installed elsewhere on each machine.",
        "name the file by its path within the skill's folder",
    ),
    warning(
        "link-outside",
        "a link leads out of the skill's folder",
        "Only what is in the folder is installed and may be read.",
        "put the file into the skill's folder",
    ),
    warning(
        "hidden-characters",
        "there are characters that are not seen",
        "Zero-width, direction and tag characters hide text from people and not from models.",
        "delete them",
    ),
)

FOLDER = (
    error(
        "symlink-outside",
        "a link leads out of the skill's folder",
        "headrace does not follow it: whoever wrote the skill would choose files of your machine.",
        "put the file itself into the folder",
    ),
    warning(
        "symlink-broken",
        "a link leads to nothing",
        "Nothing can be read there.",
        "delete the link, or add what it names",
    ),
    warning(
        "nested-skill",
        "a SKILL.md stands within another skill",
        "Some clients load both, some only the outer one.",
        "move it beside this skill, or rename the file",
    ),
    warning(
        "case-collision",
        "two names differ only by case or form",
        "On macOS and Windows one overwrites the other.",
        "rename one of them",
    ),
    warning(
        "file-name",
        "a file's name cannot be written by a model",
        "Control characters, backslashes and names that are not UTF-8 are not listed.",
        "rename it",
    ),
    warning(
        "too-many-files",
        "the folder has very many files, or very deep ones",
        "headrace lists the first 4,000 only.",
        "keep data that is generated or downloaded out of the skill",
    ),
    note(
        "folder-size",
        "the folder is large",
        "It travels with every wheel and every job.",
        "keep large data out of the skill",
    ),
)

SCRIPTS = (
    warning(
        "script-not-runnable",
        "nothing here would run the script",
        "headrace runs .py and .sh files, and others by their #! line if they may be executed.",
        "add a #! line, and make it executable: chmod +x",
    ),
    warning(
        "script-interpreter",
        "the script needs a program that the skill does not declare",
        "A sandbox has Python and a shell; the rest must be declared and granted.",
        "declare it in metadata: headrace-commands",
    ),
    note(
        "script-not-executable",
        "the script has a #! line, and may not be executed",
        "headrace runs it all the same; who calls it by its path cannot.",
        "chmod +x",
    ),
    warning(
        "script-first-line",
        "the script's #! line does not work",
        "A byte order mark before it or a carriage return in it makes it unknown to the system.",
        "save it as UTF-8 with line feeds only, without a byte order mark",
    ),
    error(
        "script-metadata",
        "the script's inline metadata cannot be read",
        "Its dependencies are installed by it (PEP 723).",
        'write "# /// script", lines of TOML after "# ", and "# ///"',
    ),
)

ARCHIVE = (
    error(
        "archive",
        "the archive cannot be unpacked safely",
        "Entries that lead out, links, and sizes beyond all bounds are refused.",
        "pack the folder anew: zip -r NAME.zip NAME",
    ),
)
