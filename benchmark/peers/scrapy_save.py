"""scrapy_save.py LIST OUT JOBS: URLs to files with Scrapy, everything off that a list does not need.

LIST has a URL, a tab and a file name on each line. Exit status 1 when a URL failed.
"""
import sys
from pathlib import Path

from scrapy import Request, Spider
from scrapy_lean import failures, run

SOURCE, OUT, JOBS = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])


class Save(Spider):
    name = "save"

    def start_requests(self):
        with open(SOURCE) as lines:
            for line in lines:
                url, name = line.rstrip("\n").split("\t")
                yield Request(url, self.parse, errback=failures.append, cb_kwargs={"name": name}, dont_filter=True)

    def parse(self, response, name):
        (OUT / name).write_bytes(response.body)


run(Save, JOBS)
