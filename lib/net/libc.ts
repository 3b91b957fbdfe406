import type { XdplbError } from '../errors.js'
import { syscallError } from './errno.js'
import { koffi } from './koffi.js'

/** A pointer as koffi gives it: the address. */
export type Pointer = bigint

/** The C library's functions, typed. Each is documented by the manual page of its name; no logic lives here. */
export type Libc = ReturnType<typeof load>

let loaded: Libc | undefined

/** The C library that Node itself runs on (glibc or musl), its functions looked up on the first call. */
export function libc(): Libc {
  loaded ??= load()
  return loaded
}

/** Returns `rc`, or throws what errno says about `operation`. Nothing may be called between the function and this. */
export function libcOk(rc: number, operation: string): number {
  if (rc === -1) throw libcError(operation)
  return rc
}

/** The error that errno says at this moment, for functions that do not fail with -1. */
export function libcError(operation: string): XdplbError {
  return syscallError(koffi().errno(), operation)
}

function load() {
  const self = koffi().load(null)
  return {
    // socket(2)
    socket: self.func('int socket(int domain, int type, int protocol)') as (
      domain: number,
      type: number,
      protocol: number,
    ) => number,

    // bind(2)
    bind: self.func('int bind(int fd, const void *address, uint32_t length)') as (
      fd: number,
      address: Uint8Array,
      length: number,
    ) => number,

    // connect(2)
    connect: self.func('int connect(int fd, const void *address, uint32_t length)') as (
      fd: number,
      address: Uint8Array,
      length: number,
    ) => number,

    // getsockopt(2)
    getsockopt: self.func(
      'int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ void *length)',
    ) as (fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array) => number,

    // setsockopt(2)
    setsockopt: self.func(
      'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
    ) as (fd: number, level: number, name: number, value: Uint8Array, length: number) => number,

    // sendto(2)
    sendto: self.func(
      'intptr_t sendto(int fd, const void *data, size_t size, int flags, const void *address, uint32_t length)',
    ) as (
      fd: number,
      data: Uint8Array,
      size: number,
      flags: number,
      address: Uint8Array,
      length: number,
    ) => number,

    // recv(2)
    recv: self.func('intptr_t recv(int fd, _Out_ void *buffer, size_t size, int flags)') as (
      fd: number,
      buffer: Uint8Array,
      size: number,
      flags: number,
    ) => number,

    // open(2)
    open: self.func('int open(const char *path, int flags)') as (path: string, flags: number) => number,

    // close(2)
    close: self.func('int close(int fd)') as (fd: number) => number,

    // epoll_create1(2)
    epollCreate: self.func('int epoll_create1(int flags)') as (flags: number) => number,

    // epoll_ctl(2)
    epollCtl: self.func('int epoll_ctl(int epoll, int operation, int fd, const void *event)') as (
      epoll: number,
      operation: number,
      fd: number,
      event: Uint8Array,
    ) => number,

    // epoll_wait(2)
    epollWait: self.func('int epoll_wait(int epoll, _Out_ void *events, int most, int timeoutMs)') as (
      epoll: number,
      events: Uint8Array,
      most: number,
      timeoutMs: number,
    ) => number,

    // mmap(2)
    mmap: self.func(
      'void *mmap(void *address, size_t size, int protection, int flags, int fd, int64_t offset)',
    ) as (
      address: Pointer | null,
      size: number,
      protection: number,
      flags: number,
      fd: number,
      offset: number,
    ) => Pointer,

    // munmap(2)
    munmap: self.func('int munmap(void *address, size_t size)') as (address: Pointer, size: number) => number,

    // setns(2)
    setns: self.func('int setns(int fd, int type)') as (fd: number, type: number) => number,

    // unshare(2)
    unshare: self.func('int unshare(int flags)') as (flags: number) => number,

    // mount(2)
    mount: self.func(
      'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
    ) as (source: string, target: string, type: string, flags: number, data: string | null) => number,

    // pthread_sigmask(3)
    pthreadSigmask: self.func('int pthread_sigmask(int how, const void *set, _Out_ void *before)') as (
      how: number,
      set: Uint8Array,
      before: Uint8Array | null,
    ) => number,

    // sched_setscheduler(2)
    schedSetScheduler: self.func('int sched_setscheduler(int pid, int policy, const void *parameters)') as (
      pid: number,
      policy: number,
      parameters: Uint8Array,
    ) => number,

    // sched_setaffinity(2)
    schedSetAffinity: self.func('int sched_setaffinity(int pid, size_t size, const void *cpus)') as (
      pid: number,
      size: number,
      cpus: Uint8Array,
    ) => number,

    // sched_getaffinity(2)
    schedGetAffinity: self.func('int sched_getaffinity(int pid, size_t size, _Out_ void *cpus)') as (
      pid: number,
      size: number,
      cpus: Uint8Array,
    ) => number,

    // clock_gettime(2)
    clockGetTime: self.func('int clock_gettime(int clock, _Out_ void *time)') as (
      clock: number,
      time: Uint8Array,
    ) => number,

    // ioctl(2)
    ioctl: self.func('int ioctl(int fd, unsigned long request, _Inout_ void *argument)') as (
      fd: number,
      request: number,
      argument: Uint8Array,
    ) => number,

    // if_nametoindex(3)
    ifNameToIndex: self.func('unsigned int if_nametoindex(const char *name)') as (name: string) => number,
  }
}
