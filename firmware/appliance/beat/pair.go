package beat

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pair makes a line: the guard's end, and the one that the program inherits.
func Pair() (guard *net.UnixConn, program *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("line to a program: %w", err)
	}
	program = os.NewFile(uintptr(fds[1]), "guard")
	guard, err = conn(fds[0])
	if err != nil {
		program.Close()
		return nil, nil, err
	}
	return guard, program, nil
}

// conn takes a file descriptor over.
func conn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "guard")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("line to the guard: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("line to the guard: a %T", c)
	}
	return u, nil
}

// inherited is the program's end, nil without a guard.
func inherited() (*net.UnixConn, error) {
	text, ok := os.LookupEnv(Variable)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(Variable) // it is not for programs that this one starts
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q: not a file descriptor", Variable, text)
	}
	unix.CloseOnExec(fd)
	return conn(fd)
}
