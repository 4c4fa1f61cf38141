"""The rules of a SKILL.md: the file, its frontmatter, its fields."""

from __future__ import annotations

from headrace_skills.checking._rule import error, note, standard, warning

__all__ = ["FIELDS", "FILE", "FRONTMATTER"]

FILE = (
    standard(
        "skill-file-missing",
        "there is no SKILL.md",
        "A folder is a skill by its SKILL.md.",
        "write a SKILL.md in this folder (agents skills new NAME makes one)",
    ),
    standard(
        "skill-file-unreadable",
        "the SKILL.md cannot be read",
        "It must be a regular file within the skill's folder.",
        "put the file itself there",
    ),
    error(
        "skill-file-size",
        "the SKILL.md is too large",
        "A model reads all of it, so headrace reads at most 1 MiB.",
        "move the most of it into files under references/",
    ),
    warning(
        "skill-file-name",
        "the file is called skill.md",
        "The standard calls it SKILL.md; some clients look for nothing else.",
        "rename it to SKILL.md",
    ),
    standard(
        "not-utf8",
        "the SKILL.md is not UTF-8",
        "The standard's files are UTF-8 text; the reference validator crashes on others.",
        "save it as UTF-8",
    ),
    standard(
        "byte-order-mark",
        "the SKILL.md starts with a byte order mark",
        "The frontmatter must be the first thing in the file.",
        "save it as UTF-8 without a byte order mark",
    ),
    note(
        "line-endings",
        "the SKILL.md has Windows line endings",
        "Most tools read them, and some show or hash the file otherwise.",
        "save it with line feeds only",
    ),
)

FRONTMATTER = (
    standard(
        "frontmatter-missing",
        "there is no frontmatter",
        "Name and description stand in YAML between two --- lines at the start of the file.",
        "start the file with --- and a name and a description, and close them with ---",
    ),
    standard(
        "frontmatter-start",
        "something stands before or beside the first ---",
        "The file must start with --- on a line of its own.",
        "make --- the first line, with nothing else on it",
    ),
    standard(
        "frontmatter-open",
        "the frontmatter is not closed",
        "It ends at a second --- line; there is none.",
        "write --- on a line of its own after the last field",
    ),
    standard(
        "frontmatter-shape",
        "the frontmatter is not made of NAME: VALUE lines",
        "The standard's fields are found by their names.",
        "write one NAME: VALUE on each line",
    ),
    standard(
        "frontmatter-size",
        "the frontmatter is too large or too deep",
        "It is read for every skill at start-up, so headrace bounds it.",
        "keep the frontmatter short; what is long belongs into the body or into references/",
    ),
    warning(
        "fence-in-value",
        "--- stands within a line of the frontmatter",
        "The reference reader, and some others, end the frontmatter there.",
        "write a dash or a comma instead of ---",
    ),
    standard(
        "control-character",
        "the frontmatter has a control character",
        "YAML does not allow it; the reference validator crashes on it.",
        "delete the character",
    ),
    standard(
        "yaml-separator",
        "the frontmatter has a character that some readers take for the end of a line",
        "YAML 1.1 and 1.2 differ over U+0085, U+2028, U+2029 and U+FEFF.",
        "delete the character, or write a space",
    ),
    standard(
        "yaml-syntax",
        "the frontmatter is not YAML",
        "No reader can tell the fields.",
        "put the value in double quotes, or write it as a block below `NAME: >-`",
    ),
    standard(
        "yaml-unquoted",
        "a value needs quotes",
        "As it stands it is no YAML; lenient readers guess, strict ones refuse.",
        "put the value in double quotes, or write it as a block below `NAME: >-`",
    ),
    standard(
        "yaml-tab",
        "the frontmatter has a tab",
        "YAML readers do not agree on tabs; the reference refuses them outside of quotes.",
        "write spaces",
    ),
    standard(
        "yaml-flow",
        "the frontmatter uses flow style",
        "The reference reader takes neither [...] nor {...}.",
        "write the value in quotes, or a list with one `- item` a line",
    ),
    standard(
        "yaml-anchor",
        "the frontmatter uses YAML anchors or aliases",
        "They can make a small file huge; no strict reader takes them.",
        "write the value out, in quotes if it starts with & or *",
    ),
    standard(
        "yaml-tag",
        "the frontmatter uses YAML tags",
        "They can name code to run; no strict reader takes them.",
        "delete the tag; put a text that starts with ! in quotes",
    ),
    standard(
        "yaml-duplicate",
        "a name is given twice",
        "Which of the two counts is not told.",
        "keep one of them",
    ),
    standard(
        "yaml-key",
        "a name is not one text",
        "Lists and mappings cannot be names of fields.",
        "write NAME: VALUE",
    ),
    standard(
        "yaml-merge",
        "the frontmatter uses YAML's merge, <<",
        "The reference reader does not take it for a text.",
        "write the names and values out",
    ),
    standard(
        "yaml-indent",
        "mappings side by side are indented differently",
        "The reference reader wants one indentation for the mappings of one mapping.",
        "indent them alike",
    ),
    standard(
        "yaml-documents",
        "there is more than one YAML document in the frontmatter",
        "The fields are those of one.",
        "delete the line that starts another one",
    ),
)

FIELDS = (
    standard(
        "field-unknown",
        "the standard has no such field",
        "Clients' own keys belong into metadata; the reference validator refuses others.",
        "move it into metadata, or delete it",
    ),
    warning(
        "field-empty",
        "a field has no value",
        "It says nothing, and readers differ over what it is.",
        "give it a value, or delete the line",
    ),
    warning(
        "value-type",
        "YAML reads a value as something other than text",
        "Most readers get a number, a date, a boolean or null: 1.10 becomes 1.1.",
        "put the value in quotes",
    ),
    standard(
        "name-missing",
        "there is no name",
        "A skill is called by its name.",
        "add a name: that of the folder",
    ),
    standard(
        "name-length",
        "the name is too long",
        "The standard allows 64 characters (after NFKC normalisation).",
        "choose a shorter name, for the folder as well",
    ),
    standard(
        "name-case",
        "the name is not lower case",
        "The standard's names are.",
        "write it in lower case",
    ),
    standard(
        "name-charset",
        "the name has a character that it must not have",
        "Letters, digits and hyphens are allowed; no spaces, dots, underscores or combining marks.",
        "use a-z, 0-9 and hyphens",
    ),
    standard(
        "name-hyphens",
        "a hyphen stands first, last or double in the name",
        "The standard does not allow it.",
        "keep single hyphens between words",
    ),
    standard(
        "name-folder",
        "the name is not its folder's",
        "The standard wants the two equal; clients find a skill by either.",
        "rename the folder or the skill",
    ),
    warning(
        "name-ascii",
        "the name has letters outside of a-z",
        "The standard's text says a-z, and many clients take only those.",
        "use a-z, 0-9 and hyphens",
    ),
    warning(
        "name-lookalike",
        "the name mixes alphabets",
        "A Cyrillic or Greek letter that looks Latin makes a second skill of one name.",
        "write the name in one alphabet",
    ),
    warning(
        "name-normal",
        "the name is not in its normal form",
        "The standard compares names after NFKC; clients compare what is written.",
        "write the normal form",
    ),
    standard(
        "description-missing",
        "there is no description",
        "It is all that a model sees before it chooses the skill.",
        "add a description: what the skill does, and when to use it",
    ),
    standard(
        "description-length",
        "the description is too long",
        "The standard allows 1,024 characters: it is in every prompt.",
        "say what it does and when to use it; move the rest into the body",
    ),
    note(
        "description-short",
        "the description is very short",
        "A model chooses by it, among many; a few words do not tell skills apart.",
        "say what the skill does, and when to use it, with the words that users say",
    ),
    note(
        "description-when",
        "the description does not say when to use the skill",
        "A model chooses by it; what a skill does is half of that.",
        "add a sentence such as: Use when the user asks for ...",
    ),
    note(
        "description-markup",
        "the description has tags in it",
        "It is put into a prompt between tags; some clients refuse it.",
        "write it without < and >",
    ),
    standard(
        "compatibility-form",
        "compatibility is not a text",
        "The standard wants one text of at most 500 characters.",
        "write one sentence",
    ),
    standard(
        "compatibility-length",
        "compatibility is too long",
        "The standard allows 500 characters.",
        "say in one sentence what the skill needs",
    ),
    warning(
        "license-form",
        "license is not a text",
        "The standard wants one text; the reference takes a list and few others do.",
        "write a licence's name, or the name of its file",
    ),
    warning(
        "allowed-tools-form",
        "allowed-tools is not one text of tools with spaces between them",
        "The standard wants that form; lists and commas are read by some clients only.",
        "write the tools in one line: allowed-tools: Read Bash(git:*)",
    ),
    warning(
        "metadata-form",
        "metadata is not made of names and texts",
        "The standard maps texts to texts; what is nested is lost or garbled in some clients.",
        'write one NAME: "TEXT" a line below metadata',
    ),
    warning(
        "metadata-version",
        "the version is not one that Python packages can have",
        "A skill is packed under it (PEP 440).",
        'write a version such as "1.2.0"',
    ),
    error(
        "needs-form",
        "what the skill needs cannot be read",
        "headrace grants and installs by it, and refuses to guess.",
        "see `agents skills check --explain needs-form`: network and commands are words with "
        "spaces between them, dependencies one requirement a line",
    ),
    warning(
        "needs-unknown",
        "headrace knows no such key",
        "It is not looked at, so nothing is granted or installed by it.",
        "use headrace-dependencies, headrace-network, headrace-environment or headrace-commands",
    ),
)
