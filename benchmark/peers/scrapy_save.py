"""scrapy_save.py LIST OUT JOBS: URLs to files with Scrapy, everything off that a list does not need.

LIST has a URL, a tab and a file name on each line. Exit status 1 when a URL failed.
"""
import sys
from pathlib import Path

from scrapy import Request, Spider
from scrapy.crawler import CrawlerProcess

SOURCE, OUT, JOBS = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
failures = []


class Save(Spider):
    name = "save"

    def start_requests(self):
        with open(SOURCE) as lines:
            for line in lines:
                url, name = line.rstrip("\n").split("\t")
                yield Request(url, self.parse, errback=failures.append, cb_kwargs={"name": name}, dont_filter=True)

    def parse(self, response, name):
        (OUT / name).write_bytes(response.body)


crawl = CrawlerProcess(
    {
        "CONCURRENT_REQUESTS": JOBS,
        "CONCURRENT_REQUESTS_PER_DOMAIN": JOBS,
        "CONCURRENT_ITEMS": 1,  # the default of 100 starts a hundred tasks for every answer, and more than doubles the CPU time
        "COOKIES_ENABLED": False,
        "DOWNLOAD_MAXSIZE": 0,
        "DOWNLOAD_WARNSIZE": 0,
        "HTTPCACHE_ENABLED": False,
        "LOG_ENABLED": False,
        "RETRY_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
    }
)
crawl.crawl(Save)
crawl.start()
sys.exit(1 if failures else 0)
