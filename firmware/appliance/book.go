package appliance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/logfile"
)

// waiting is how many lines wait for a slow card before they are lost there.
const waiting = 512

// book is the log of the machine: in memory, on the card when there is one, and on the
// console, where only what is wrong is said if that is to be quiet. Its methods may be
// called by any goroutine, and none of them waits for the card.
type book struct {
	memory  *logfile.File
	console io.Writer
	quiet   bool
	queue   chan string // to the card; "" is a flush
	ended   chan struct{}

	mu   sync.Mutex
	card bool // there is one
}

// stamp begins the lines of those who do not say themselves when it was.
func stamp() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z ") }

// newBook opens the log, with nothing on the card yet.
func newBook(quiet bool) *book {
	return &book{
		memory: logfile.Open(filepath.Join(logDir, "log"), logfile.Memory), console: os.Stdout, quiet: quiet,
		queue: make(chan string, waiting), ended: make(chan struct{}),
	}
}

// keep has the log written to the data folder from now on, too.
func (b *book) keep(data string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.card = true
	go b.write(logfile.Open(filepath.Join(data, "log", "log"), logfile.Card))
}

// write writes what waits to the card.
func (b *book) write(card *logfile.File) {
	defer close(b.ended)
	for text := range b.queue {
		if text == "" {
			card.Flush()
		} else {
			card.Line(text)
		}
	}
	card.Close()
}

// forget has it written there no longer, and waits a moment for what was.
func (b *book) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.card {
		return
	}
	b.card = false
	close(b.queue)
	select {
	case <-b.ended:
	case <-time.After(time.Second):
	}
}

// line writes what somebody said.
func (b *book) line(who, text string) { b.say(who, text, false) }

// wrong writes what somebody said is wrong.
func (b *book) wrong(who, text string) { b.say(who, text, true) }

func (b *book) say(who, text string, wrong bool) {
	text = who + ": " + strings.ToValidUTF8(text, "?")
	b.memory.Line(text)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.toCard(text)
	if wrong || !b.quiet {
		fmt.Fprintln(b.console, text)
	}
}

// telephone writes what the telephone said. All is wrong but messages of its log below an
// error: it ends with a word on why, or with a trace.
func (b *book) telephone(who, text string) {
	head := text[:min(len(text), 64)]
	for _, level := range []string{"DEBUG", "INFO", "WARN"} {
		if strings.Contains(head, " level="+level+" ") || strings.Contains(head, `,"level":"`+level+`"`) {
			b.line(who, text)
			return
		}
	}
	b.wrong(who, text)
}

// flush makes durable what was written, soon.
func (b *book) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.toCard("")
}

// toCard is called with mu held.
func (b *book) toCard(text string) {
	if !b.card {
		return
	}
	select {
	case b.queue <- text:
	default: // in memory it is
	}
}

// kernel writes down what the kernel says that is worse than a notice.
func (b *book) kernel() {
	f, err := os.Open("/dev/kmsg")
	if err != nil {
		b.line("guard", stamp()+err.Error())
		return
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 8<<10) // a read brings one message, of less than that
	for {
		text, err := r.ReadString('\n')
		if err != nil {
			if errors.Is(err, unix.EPIPE) { // the kernel was faster
				continue
			}
			return
		}
		if said, ok := kernelLine(text); ok {
			b.line("kernel", stamp()+said)
		}
	}
}

const warning = 4 // of the kernel's levels: worse is less

// kernelLine is the text of a message of /dev/kmsg, "level,number,time,flags;text", if
// it is a warning or worse.
func kernelLine(s string) (text string, ok bool) {
	head, text, found := strings.Cut(strings.TrimRight(s, "\n"), ";")
	level, _, _ := strings.Cut(head, ",")
	n, err := strconv.Atoi(level)
	return text, found && err == nil && n&7 <= warning
}
