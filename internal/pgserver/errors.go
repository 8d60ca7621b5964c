package pgserver

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// MissingError says that no server binaries of the wanted major version were found, and none could be downloaded.
// The CLI exits with "could not do its work" on it.
type MissingError struct {
	Major  int      // the wanted major version; 0 for any
	Looked []string // the places that were searched, as patterns
	Unfit  []string // installations that were found and cannot be used, with the reason
	Err    error    // why downloading failed or was not tried
}

func (e *MissingError) Error() string {
	var b strings.Builder
	product, example := "Postgres", onward.NewestMajor
	if e.Major != 0 {
		product, example = fmt.Sprintf("Postgres %d", e.Major), e.Major
	}
	fmt.Fprintf(&b, "no %s server binaries (initdb, postgres): looked in %s", product, strings.Join(e.Looked, ", "))
	for _, unfit := range e.Unfit {
		fmt.Fprintf(&b, "; %s", unfit)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "; downloading: %v", e.Err)
	}
	fmt.Fprintf(&b, "; install it (apt install postgresql-%[1]d, brew install postgresql@%[1]d) or give a server with --postgres URL", example)
	return b.String()
}

func (e *MissingError) Unwrap() error { return e.Err }

// ServerError says that a server did not start, or died while it was in use.
type ServerError struct {
	What string // what happened, with the server's version
	Log  string // the tail of the server's log
	Err  error  // the cause, if another error is it
}

func (e *ServerError) Error() string {
	msg := e.What
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	if fatal := fatalLine(e.Log); fatal != "" {
		return msg + ": " + fatal
	}
	if log := strings.TrimSpace(e.Log); log != "" {
		return msg + "; its log ends with:\n" + log
	}
	return msg
}

func (e *ServerError) Unwrap() error { return e.Err }

// fatalLine returns why the server ended, from its log: the last PANIC or FATAL message with its details, or "".
// Errors in the configuration are in the lines before that message.
func fatalLine(log string) string {
	const configuration = `FATAL:  configuration file "`
	found, before := "", ""
	for line := range strings.Lines(log) {
		kind, text := parseLogLine(strings.TrimSpace(line))
		switch kind {
		case "LOG", "WARNING", "ERROR":
			before += text + "; "
		case "FATAL", "PANIC":
			found = kind + ":  " + text
			if strings.HasPrefix(found, configuration) {
				found = before + found
			}
		case "DETAIL", "HINT":
			if found != "" {
				found += "; " + text
			}
		}
	}
	return found
}

// parseLogLine splits a line of the log, "2006-01-02 15:04:05.000 UTC [1234] FATAL:  text". The kind is empty for a
// continuation line.
func parseLogLine(line string) (kind, text string) {
	for _, kind := range []string{"LOG", "WARNING", "ERROR", "FATAL", "PANIC", "DETAIL", "HINT"} {
		if before, text, ok := strings.Cut(line, kind+":  "); ok && (before == "" || strings.HasSuffix(before, "] ")) {
			return kind, text
		}
	}
	return "", ""
}
