"""Runs a spider with Scrapy, everything off that saving files does not need. Python finds it beside the script that runs."""
import sys

from scrapy.crawler import CrawlerProcess

failures = []


def run(spider, jobs):
    """Ends the program: with status 1 when a request failed. Spiders give `failures.append` as their errback."""
    crawl = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": jobs,
            "CONCURRENT_REQUESTS_PER_DOMAIN": jobs,
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
    crawl.crawl(spider)
    crawl.start()
    sys.exit(1 if failures else 0)
