"""Connectors' jars: they travel in the zip, and the cluster loads their classes from there."""

from __future__ import annotations

import base64
import json
import zipfile

import pytest

from .conftest import SOURCES, read_lines

pytestmark = [pytest.mark.slow, pytest.mark.flink]

JAVA = """
package acme;
import org.apache.flink.api.common.functions.MapFunction;
public class Greeting implements MapFunction<Object, Object> {
    public Object map(Object value) throws Exception {
        ClassLoader loader = getClass().getClassLoader();
        byte[] text = loader.getResourceAsStream("acme/greeting.txt").readAllBytes();
        return new String(text, "UTF-8") + " from " + loader.getClass().getName();
    }
}
"""
# There need not be a compiler where tests run, so this is what one made of it:
# javac --release 11 -g:none -cp flink-dist.jar acme/Greeting.java
GREETING = """
yv66vgAAADcASQoAAgADBwAEDAAFAAYBABBqYXZhL2xhbmcvT2JqZWN0AQAGPGluaXQ+AQADKClWCgACAAgMAAkACgEACGdl
dENsYXNzAQATKClMamF2YS9sYW5nL0NsYXNzOwoADAANBwAODAAPABABAA9qYXZhL2xhbmcvQ2xhc3MBAA5nZXRDbGFzc0xv
YWRlcgEAGSgpTGphdmEvbGFuZy9DbGFzc0xvYWRlcjsIABIBABFhY21lL2dyZWV0aW5nLnR4dAoAFAAVBwAWDAAXABgBABVq
YXZhL2xhbmcvQ2xhc3NMb2FkZXIBABNnZXRSZXNvdXJjZUFzU3RyZWFtAQApKExqYXZhL2xhbmcvU3RyaW5nOylMamF2YS9p
by9JbnB1dFN0cmVhbTsKABoAGwcAHAwAHQAeAQATamF2YS9pby9JbnB1dFN0cmVhbQEADHJlYWRBbGxCeXRlcwEABCgpW0IH
ACABABBqYXZhL2xhbmcvU3RyaW5nCAAiAQAFVVRGLTgKAB8AJAwABQAlAQAXKFtCTGphdmEvbGFuZy9TdHJpbmc7KVYKAAwA
JwwAKAApAQAHZ2V0TmFtZQEAFCgpTGphdmEvbGFuZy9TdHJpbmc7EgAAACsMACwALQEAF21ha2VDb25jYXRXaXRoQ29uc3Rh
bnRzAQA4KExqYXZhL2xhbmcvU3RyaW5nO0xqYXZhL2xhbmcvU3RyaW5nOylMamF2YS9sYW5nL1N0cmluZzsHAC8BAA1hY21l
L0dyZWV0aW5nBwAxAQAxb3JnL2FwYWNoZS9mbGluay9hcGkvY29tbW9uL2Z1bmN0aW9ucy9NYXBGdW5jdGlvbgEABENvZGUB
AANtYXABACYoTGphdmEvbGFuZy9PYmplY3Q7KUxqYXZhL2xhbmcvT2JqZWN0OwEACkV4Y2VwdGlvbnMHADcBABNqYXZhL2xh
bmcvRXhjZXB0aW9uAQAJU2lnbmF0dXJlAQBrTGphdmEvbGFuZy9PYmplY3Q7TG9yZy9hcGFjaGUvZmxpbmsvYXBpL2NvbW1v
bi9mdW5jdGlvbnMvTWFwRnVuY3Rpb248TGphdmEvbGFuZy9PYmplY3Q7TGphdmEvbGFuZy9PYmplY3Q7PjsBABBCb290c3Ry
YXBNZXRob2RzDwYAPAoAPQA+BwA/DAAsAEABACRqYXZhL2xhbmcvaW52b2tlL1N0cmluZ0NvbmNhdEZhY3RvcnkBAJgoTGph
dmEvbGFuZy9pbnZva2UvTWV0aG9kSGFuZGxlcyRMb29rdXA7TGphdmEvbGFuZy9TdHJpbmc7TGphdmEvbGFuZy9pbnZva2Uv
TWV0aG9kVHlwZTtMamF2YS9sYW5nL1N0cmluZztbTGphdmEvbGFuZy9PYmplY3Q7KUxqYXZhL2xhbmcvaW52b2tlL0NhbGxT
aXRlOwgAQgEACAEgZnJvbSABAQAMSW5uZXJDbGFzc2VzBwBFAQAlamF2YS9sYW5nL2ludm9rZS9NZXRob2RIYW5kbGVzJExv
b2t1cAcARwEAHmphdmEvbGFuZy9pbnZva2UvTWV0aG9kSGFuZGxlcwEABkxvb2t1cAAhAC4AAgABADAAAAACAAEABQAGAAEA
MgAAABEAAQABAAAABSq3AAGxAAAAAAABADMANAACADIAAAA1AAQABAAAACkqtgAHtgALTSwSEbYAE7YAGU67AB9ZLRIhtwAj
LLYAB7YAJroAKgAAsAAAAAAANQAAAAQAAQA2AAMAOAAAAAIAOQA6AAAACAABADsAAQBBAEMAAAAKAAEARABGAEgAGQ==
"""


@pytest.fixture(scope="module")
def jar(tmp_path_factory):
    """A jar with a class that no cluster has, and a file that the class reads."""
    path = tmp_path_factory.mktemp("jars") / "acme-greeting-1.0.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        archive.writestr("acme/Greeting.java", JAVA)
        archive.writestr("acme/Greeting.class", base64.b64decode(GREETING))
        archive.writestr("acme/greeting.txt", "hello")
    return path


def test_a_jar_reaches_the_cluster_and_its_class_runs_there(site, zips, jar, tmp_path):
    zip_ = zips.build((SOURCES / "greeting.py").read_text(), "jobs:greeting", "--jar", jar)
    with zipfile.ZipFile(zip_) as archive:
        assert archive.read(f"jars/{jar.name}") == jar.read_bytes()
    with site.running(zip_, "--parallelism", 2, "--set", f"demo.output={tmp_path}") as job:
        site.finished(job)
    told = [json.loads(line) for line in read_lines(tmp_path)]
    assert len(told) == 3
    for one in told:
        text, _, loader = one.partition(" from ")
        assert text == "hello"
        # Flink's loader for the code of one job, not the one of its own lib folder.
        assert loader == "org.apache.flink.util.ChildFirstClassLoader"
