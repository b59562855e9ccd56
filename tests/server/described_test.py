#!/usr/bin/env python3
"""What `chiaro serve` says of itself, read by programs of others: metrics by Prometheus' own parser, the description by
openapi-spec-validator, and answers by jsonschema.

described_test.py CHIARO SERVING_MD PICTURE. Ends with 77 where those are missing.
"""
import json
import pathlib
import re
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

try:
    import openapi_schema_validator
    import openapi_spec_validator
    import prometheus_client.parser
except ImportError as missing:
    print(f"described_test: skipped, {missing}")
    sys.exit(77)

CHIARO, SERVING, PICTURE = sys.argv[1:4]
METRIC = re.compile(r"^\| `((?:chiaro|process)_\w+)` \|", re.MULTILINE)


class Described(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([CHIARO, "serve", "--port", "0", "--json", "--threads", "1"], stdout=subprocess.PIPE, text=True)
        cls.url = json.loads(cls.server.stdout.readline())["url"]
        cls.description = json.loads(cls.answer("/v1/openapi.json")[2])
        cls.picture = pathlib.Path(PICTURE).read_bytes()

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()
        cls.server.stdout.close()

    @classmethod
    def answer(cls, path, body=None):
        """Status, type and text."""
        try:
            with urllib.request.urlopen(cls.url + path, data=body, timeout=60) as got:
                return got.status, got.headers["Content-Type"], got.read().decode(errors="replace")
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers["Content-Type"], refused.read().decode()

    def check(self, path, operation, body=None):
        """That an answer is of the type and the schema that the description states; what it holds."""
        status, kind, text = self.answer(path, body)
        response = operation["responses"][str(status)]
        if "$ref" in response:
            response = self.description["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        self.assertIn(kind, response["content"], f"{path}: {status}")
        value = json.loads(text)
        schema = {**response["content"][kind]["schema"], "components": self.description["components"]}
        openapi_schema_validator.validate(value, schema, cls=openapi_schema_validator.OAS30Validator)
        return value

    def families(self):
        """Of the metrics, by name; Prometheus' parser leaves the end `_total` out of names."""
        status, kind, text = self.answer("/metrics")
        self.assertEqual((status, kind), (200, "text/plain; version=0.0.4; charset=utf-8"))
        found = {}
        for family in prometheus_client.parser.text_string_to_metric_families(text):
            name = family.name + ("_total" if family.type == "counter" else "")
            self.assertNotIn(name, found, "twice")
            found[name] = family
        return found

    def test_the_description_is_openapi(self):
        openapi_spec_validator.validate(self.description)
        self.assertTrue(self.description["openapi"].startswith("3.0."))

    def test_metrics_are_read_by_prometheus(self):
        self.answer("/v1/restore?wait=1", self.picture)
        families = self.families()
        self.assertGreaterEqual(len(families), 9)
        for name, family in families.items():
            self.assertIn(family.type, ("counter", "gauge"), name)
            self.assertTrue(family.documentation.endswith("."), name)
            self.assertTrue(family.samples, name)
            self.assertEqual({sample.name for sample in family.samples}, {name})
            for sample in family.samples:
                self.assertGreaterEqual(sample.value, 0, name)
        jobs = {sample.labels["status"]: sample.value for sample in families["chiaro_jobs_total"].samples}
        self.assertEqual(jobs.keys(), {"completed", "failed", "cancelled"})
        self.assertGreaterEqual(jobs["completed"], 1)
        self.assertGreater(families["chiaro_restored_megapixels_total"].samples[0].value, 0)

    def test_every_metric_is_in_the_manual_and_no_other(self):
        documented = METRIC.findall(pathlib.Path(SERVING).read_text())
        self.assertEqual(sorted(documented), sorted(self.families()))

    def test_answers_are_as_the_description_says(self):
        paths = self.description["paths"]
        job = self.check("/v1/restore", paths["/v1/restore"]["post"], self.picture)
        while job["status"] in ("queued", "running"):
            job = self.check(job["poll_url"], paths["/v1/jobs/{id}"]["get"])
        self.assertEqual(job["status"], "completed")
        for path in ("/v1/models", "/v1/capabilities"):
            self.check(path, paths[path]["get"])
        self.check("/v1/inspect", paths["/v1/inspect"]["post"], self.picture)
        self.check("/v1/inspect", paths["/v1/inspect"]["post"], b"a letter")
        self.check("/v1/jobs/" + 32 * "a", paths["/v1/jobs/{id}"]["get"])
        cancelled = self.check("/v1/restore", paths["/v1/restore"]["post"], self.picture)
        self.check(cancelled["poll_url"] + "/cancel", paths["/v1/jobs/{id}/cancel"]["post"], b"")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
