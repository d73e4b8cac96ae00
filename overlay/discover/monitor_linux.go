package discover

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
)

// monitor tells when interfaces or addresses come and go: rtnetlink(7).
type monitor struct {
	changed chan struct{}
	file    *os.File // nil: the system gives no notice, pollLinks has to do
	done    sync.WaitGroup
}

// Multicast groups of rtnetlink as a bind mask: RTMGRP_LINK, RTMGRP_IPV4_IFADDR,
// RTMGRP_IPV6_IFADDR.
const rtnetlinkGroups = 0x1 | 0x10 | 0x100

func newMonitor(log *slog.Logger) *monitor {
	m := &monitor{changed: make(chan struct{}, 1)}
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, syscall.NETLINK_ROUTE)
	if err == nil {
		if err = syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK, Groups: rtnetlinkGroups}); err != nil {
			syscall.Close(fd)
		}
	}
	if err != nil {
		log.Debug("no notice of changing interfaces", "err", err)
		return m
	}
	m.file = os.NewFile(uintptr(fd), "rtnetlink")
	m.done.Go(m.read)
	return m
}

// read turns every message into a notice; what it says is found out by looking.
func (m *monitor) read() {
	buf := make([]byte, 8192)
	for {
		_, err := m.file.Read(buf)
		if err != nil && !errors.Is(err, syscall.ENOBUFS) { // too many at once is a change too
			return
		}
		select {
		case m.changed <- struct{}{}:
		default:
		}
	}
}

func (m *monitor) Close() {
	if m.file != nil {
		m.file.Close()
	}
	m.done.Wait()
}
