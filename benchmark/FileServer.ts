/**
 * Who answers: nginx with the files on disk, or a test site in a process of its own, for delayed answers and where
 * there is no nginx. Either runs on the CPU that this program runs on.
 */
import { execFileSync } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Certificate from "@simul/scraper/testing/Certificate"
import * as SiteProcess from "@simul/scraper/testing/SiteProcess"
import type { Item, Workload } from "./Workload.ts"
import * as Workloads from "./Workload.ts"
import type { Room, Workplace } from "./Workplace.ts"

export interface FileServer extends AsyncDisposable {
  readonly origin: string
  /** The file with the authority to trust, where it is asked over TLS. */
  readonly cacert: string | undefined
  /** Its name, for the table. */
  readonly name: string
  /** The path whose content it answers for an item. */
  readonly contentOf: (item: Item) => string
}

/** The version of nginx, such as `nginx 1.22.1`; undefined when it is not installed. */
const nginx = (workplace: Workplace): string | undefined => {
  try {
    const said = execFileSync("sh", ["-c", "nginx -v 2>&1"], { encoding: "utf8", env: workplace.environment })
    return said.trim().replace(/^.*nginx\//, "nginx ")
  } catch {
    return undefined
  }
}

/**
 * More than the usual workloads have. Each takes a descriptor, as connections do, and one process alone heeds no
 * `worker_rlimit_nofile`.
 */
const cachedFiles = 12_000

const configuration = (root: string, port: number, tls: boolean) => `
daemon off; master_process off; pid nginx.pid; error_log stderr warn;
events { worker_connections 20000; use epoll; multi_accept on; }
http {
  types { application/octet-stream bin; text/html html; text/css css; }
  access_log off; log_not_found off;
  sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_timeout 120s; keepalive_requests 100000000;
  open_file_cache max=${cachedFiles} inactive=600s; open_file_cache_valid 600s;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
  server {
    listen 127.0.0.1:${port}${tls ? " ssl http2" : ""} backlog=8192;
    ${tls ? "ssl_certificate certificate.pem; ssl_certificate_key key.pem;" : ""}
    root ${root};
    location ~ ^(/bytes/[0-9]+/d[0-9]+)/r[0-9]+-(.+)$ { alias ${root}$1/$2; }
  }
}
`

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, "127.0.0.1")
  await once(probe, "listening")
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, "close")
  return port
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    socket.once("connect", () => socket.destroy())
  })

/** Starts what the workload needs, in `room`, and waits until it listens. Rejects when it does not. */
export const start = async (workplace: Workplace, workload: Workload, room: Room): Promise<FileServer> => {
  const version = nginx(workplace)
  if (workload.latencyMs > 0 || version === undefined) {
    const cacert = workload.tls ? join(room.folder("site"), "ca.pem") : undefined
    const site = await SiteProcess.start({ latencyMs: workload.latencyMs, ...(cacert && { ca: cacert }) })
    const why = workload.latencyMs > 0 ? `each answer after ${workload.latencyMs} ms` : "nginx is not installed"
    return {
      origin: site.url(""),
      cacert,
      name: `test site on Node (${why})`,
      contentOf: ({ path }) => path,
      [Symbol.asyncDispose]: site.close
    }
  }
  const root = room.folder("served")
  Workloads.writeFiles(workload, root)
  return { ...(await ofFolder(workplace, room, root, workload.tls)), contentOf: ({ file }) => file }
}

/** Serves the files below `root` by nginx, in `room`. Rejects where that is not installed or does not listen. */
export const ofFolder = async (
  workplace: Workplace,
  room: Room,
  root: string,
  tls = false
): Promise<Omit<FileServer, "contentOf">> => {
  const version = nginx(workplace)
  if (version === undefined) throw new Error("nginx is not installed")
  const prefix = room.folder("nginx")
  const port = await freePort()
  writeFileSync(join(prefix, "nginx.conf"), configuration(root, port, tls))
  const cacert = tls ? join(prefix, "ca.pem") : undefined
  if (cacert !== undefined) {
    const { ca, certificate, key } = Certificate.make()
    writeFileSync(cacert, ca)
    writeFileSync(join(prefix, "certificate.pem"), certificate)
    writeFileSync(join(prefix, "key.pem"), key)
  }
  const child = workplace.start(["nginx", "-p", prefix, "-c", "nginx.conf", "-e", "stderr"], {
    cwd: prefix,
    stdio: ["ignore", "ignore", "inherit"]
  })
  const ended = once(child, "exit")
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with status ${child.exitCode} before it listened`)
    await sleep(20)
  }
  return {
    origin: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    cacert,
    name: version,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM")
      await ended
    }
  }
}
