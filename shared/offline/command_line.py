"""`siteward`: what anyone can check about a document of ours, offline and without trusting us."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.offline import verify_audit, verify_file
from shared.offline.recompute import NotAnInvoice, recompute


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (else the command line) name; its exit code."""
    parser = argparse.ArgumentParser(prog="siteward", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    about = "compute the lines and the total of an invoice or statement anew"
    recomputing = commands.add_parser(
        "recompute",
        help=about,
        description=f"{about.capitalize()}. Exit code 0: all agrees; 1: something differs; 2: not such a document.",
    )
    recomputing.add_argument("file", metavar="FILE", help="its JSON; - reads standard input")
    about = "find whether saved audit events are all there, and as they were sealed"
    verifying = commands.add_parser(
        "verify-audit",
        help=about,
        description=f"{about.capitalize()}. Exit code 0: they are; 1: the chain is broken; 2: no such file.",
    )
    verifying.add_argument("file", metavar="FILE", help="their JSON, pages too; - reads standard input")
    about = "find whether an activation file is good, by the published keys alone"
    files = commands.add_parser(
        "verify",
        help=about,
        description=f"{about.capitalize()}. Exit code 0: it is; 1: it is refused; 2: something cannot be read.",
    )
    files.add_argument("file", metavar="FILE", help="- reads standard input")
    files.add_argument(
        "--keys", metavar="JWKS", required=True, help="what /.well-known/siteward-keys answers"
    )
    files.add_argument("--sensor", metavar="NAME", help="refuse a file for any other")
    files.add_argument("--last-serial", metavar="N", type=int, help="refuse an older one than was accepted")
    files.add_argument("--at", metavar="TIME", help="RFC 3339; by default now")
    asked = parser.parse_args(arguments)
    if asked.command == "verify":
        return verify_file.main(
            asked.file, asked.keys, sensor=asked.sensor, last_serial=asked.last_serial, at=asked.at
        )
    if asked.command == "verify-audit":
        return verify_audit.main(asked.file)
    return _recompute(asked.file)


def _recompute(file: str) -> int:
    try:
        document = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        checks = recompute(document)
    except (OSError, NotAnInvoice) as error:
        print(f"siteward: {error}", file=sys.stderr)
        return 2
    for check in checks:
        print(f"{'differs' if check.differences else 'agrees '}  {check.pointer:<10}  {check.what}")
        print(f"                     {check.computed}")
        for difference in check.differences:
            print(f"                     {difference}")
    wrong = [check.pointer for check in checks if check.differences]
    print(f"These differ: {', '.join(wrong)}" if wrong else "All agrees.")
    return 1 if wrong else 0
