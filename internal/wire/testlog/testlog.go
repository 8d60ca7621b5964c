// Package testlog follows the file in which the tests of a recorded command write when they begin and end. So a proxy knows which test sends a statement,
// though connections live longer than a test, and several processes run tests at once.
//
// A line is "begin PID NAME" or "end PID NAME", appended in one write before the test sends its first statement. PID is the process that runs the test.
package testlog

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Variable is the variable of the command's environment with the path of the file.
const Variable = "ONWARD_TEST_LOG"

const (
	maxLine  = 4 << 10 // longer lines are passed over
	maxName  = 200
	maxNamed = 3 // of a process: if more run at once, none is named
)

// Log is the file of a command. Its methods may be called concurrently.
type Log struct {
	dir  string
	file *os.File

	mu      sync.Mutex
	read    int64 // bytes
	rest    []byte
	pids    []int
	running map[int][]string // the tests of a process that have begun and not ended
}

// Open makes an empty file in a directory of its own.
func Open() (*Log, error) {
	dir, err := os.MkdirTemp("", "onward-tests-")
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "tests.log"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &Log{dir: dir, file: file, running: map[int][]string{}}, nil
}

// Path returns the path of the file.
func (l *Log) Path() string { return l.file.Name() }

// Close removes the file.
func (l *Log) Close() error { return errors.Join(l.file.Close(), os.RemoveAll(l.dir)) }

// Follow returns a function that names the test which a client is in; "" if none is known. holds reports whether a process has the client's connection.
// A client of a process that runs no tests, such as a server under test, is in the test that runs in another process.
func (l *Log) Follow(holds func(pid int) bool) (current func() string) {
	isOwnByPID := map[int]bool{}
	return func() string {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.readLines()
		var ownTests, all []string
		for _, pid := range l.pids {
			if _, asked := isOwnByPID[pid]; !asked {
				isOwnByPID[pid] = holds(pid)
			}
			if all = append(all, l.running[pid]...); isOwnByPID[pid] {
				ownTests = append(ownTests, l.running[pid]...)
			}
		}
		for _, isOwn := range isOwnByPID {
			if isOwn {
				return nameTests(ownTests)
			}
		}
		return nameTests(all)
	}
}

// nameTests names those that run: one of a few may be meant. A test with subtests runs while they do.
func nameTests(running []string) string {
	var names []string
	for _, name := range running {
		isOuter := slices.ContainsFunc(running, func(other string) bool { return strings.HasPrefix(other, name+"/") })
		if !isOuter && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > maxNamed {
		return ""
	}
	return strings.Join(names, " or ")
}

// readLines takes what was appended. The log is locked.
func (l *Log) readLines() {
	info, err := l.file.Stat()
	if err != nil || info.Size() <= l.read {
		return
	}
	data := make([]byte, info.Size()-l.read)
	n, _ := l.file.ReadAt(data, l.read)
	l.read += int64(n)
	l.rest = append(l.rest, data[:n]...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			break
		}
		l.rest = rest
		l.applyLine(line)
	}
}

// applyLine takes a line; one that is none changes nothing.
func (l *Log) applyLine(line []byte) {
	word, rest, _ := strings.Cut(strings.ToValidUTF8(string(line[:min(len(line), maxLine)]), "?"), " ")
	number, name, _ := strings.Cut(rest, " ")
	pid, err := strconv.Atoi(number)
	name = strings.TrimSpace(name)
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "") + "…"
	}
	if err != nil || name == "" {
		return
	}
	if !slices.Contains(l.pids, pid) {
		l.pids = append(l.pids, pid)
	}
	switch word {
	case "begin":
		l.running[pid] = append(l.running[pid], name)
	case "end":
		if i := slices.Index(l.running[pid], name); i >= 0 {
			l.running[pid] = slices.Delete(l.running[pid], i, i+1)
		}
	}
}
