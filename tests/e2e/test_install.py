"""docs/install.md: the nginx in front of the daemon, just as it stands there but for names and ports of this test."""

import re
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import KEY, ROOT, Case, Certificate, free_port, wait_until
from test_nginx import nginx_program, reachable

AROUND = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	{server}
}}
"""


@unittest.skipUnless(nginx_program(), "needs nginx (Debian: nginx-light)")
class InFront(Case):
    def setUp(self):
        folder = self.folder()
        self.certificate = Certificate(folder, "hooks.example.org", host="127.0.0.1")
        self.port = free_port()
        daemon = self.daemon()
        server = re.search(r"```nginx\n(.*?)```", (ROOT / "docs" / "install.md").read_text(), re.S).group(1)
        for shown, here in [("443 ssl", f"127.0.0.1:{self.port} ssl"), ("127.0.0.1:8420", f"127.0.0.1:{daemon.port}"),
                            ("/etc/ssl/private/hooks.example.org.key", self.certificate.key),
                            ("/etc/ssl/hooks.example.org.pem", self.certificate.cert)]:
            self.assertIn(shown, server)
            server = server.replace(shown, str(here))
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, server=server))
        process = subprocess.Popen([nginx_program(), "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"])
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        wait_until(lambda: reachable(self.port), lambda: f"nginx listens: {(folder / 'error.log').read_text()}")

    def ask(self, path, body=None):
        """The status and the answer's body, over TLS, with the certificate checked."""
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", data=body, headers={"Authorization": f"Bearer {KEY}"})
        try:
            with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(self.certificate.cert)), timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def test_api_and_console_and_no_metrics(self):
        self.assertEqual(self.ask("/v1/projects")[0], 200)
        self.assertIn(b"<html", self.ask("/")[1])
        self.assertEqual(self.ask("/metrics")[0], 403)

    def test_large_bodies_are_the_daemons_to_judge(self):
        status, answer = self.ask("/v1/projects/none/events", b"[" + b" " * 3_900_000 + b"]")
        self.assertEqual(status, 404, answer)
        self.assertIn(b"not_found", answer)


if __name__ == "__main__":
    unittest.main()
