/** The playhead of a picture: runs over it once in some seconds, stands, or is moved by hand. At its end it is `Infinity`. */
import { useEffect, useState } from "preact/hooks"

/** How long a picture plays at speed 1. */
const playMs = 5000

const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches

export const usePlayer = (endMs: number) => {
  const [headMs, setHead] = useState(Infinity)
  const [isPlaying, setPlaying] = useState(false)
  const [speed, setSpeed] = useState(1)
  useEffect(() => {
    if (!isPlaying) return
    let last = performance.now()
    let frame = 0
    let at = headMs
    const step = (now: number) => {
      at += (((now - last) * speed) / playMs) * endMs
      last = now
      if (at >= endMs) {
        setHead(Infinity)
        setPlaying(false)
        return
      }
      setHead(at)
      frame = requestAnimationFrame(step)
    }
    frame = requestAnimationFrame(step)
    return () => cancelAnimationFrame(frame)
  }, [isPlaying, speed, endMs])
  return {
    headMs,
    isPlaying,
    speed,
    setSpeed,
    /** From the start if it stands at the end. Who wants no motion sees the end. */
    play: () => {
      if (isStill()) return setHead(Infinity)
      if (headMs >= endMs) setHead(0)
      setPlaying(true)
    },
    seek: (ms: number) => {
      setPlaying(false)
      setHead(ms >= endMs ? Infinity : ms)
    },
    pause: () => setPlaying(false)
  }
}
