package pgparse

import "strings"

// Reader is the program that splits a text into statements, with its rules for the end of
// strings. The zero value is the server with default settings.
type Reader struct {
	// Psql: it is psql, which reads line by line, handles its own commands, and reads the
	// lines after COPY … FROM STDIN as rows.
	Psql bool
	// Message: the whole text is parsed before any of it runs, so its settings only apply
	// to the next message.
	Message bool
	// Block: the tool has opened a transaction.
	Block bool
	// Strings is the setting at the beginning.
	Strings Strings
}

// Strings are the settings of a session that decide where strings end. The zero value is
// the default.
type Strings struct {
	// Off: standard_conforming_strings is off, so a backslash escapes in all strings.
	Off bool
	// Unsure: it may be off.
	Unsure bool
	// Encoding is the client's encoding if a character of it may end in a backslash.
	Encoding string
	// Refusal says which servers refuse to turn standard_conforming_strings off. The setting stays on there, and psql
	// goes on with the next statement.
	Refusal OffRefusal
}

// OffRefusal says which of the servers that may run a text refuse "standard_conforming_strings = off".
type OffRefusal int

// No server refuses it, some do, or all do.
const (
	NoneRefuse OffRefusal = iota
	SomeRefuse
	AllRefuse
)

// offRefusedSince is the first major version whose strings have no other end.
// (https://www.postgresql.org/docs/19/release-19.html)
const offRefusedSince = 19

// RefusalOf returns which of the major versions refuse to turn standard_conforming_strings off.
func RefusalOf(versions []int) OffRefusal {
	count := 0
	for _, v := range versions {
		if v >= offRefusedSince {
			count++
		}
	}
	switch count {
	case 0:
		return NoneRefuse
	case len(versions):
		return AllRefuse
	}
	return SomeRefuse
}

// withOff returns the setting after it was turned off.
func (s Strings) withOff() Strings {
	switch s.Refusal {
	case NoneRefuse:
		s.Off, s.Unsure = true, false
	case SomeRefuse:
		s.Unsure = true
	}
	return s
}

// withUnsure returns the setting after it may have been turned off or on.
func (s Strings) withUnsure() Strings {
	s.Unsure = s.Refusal != AllRefuse
	return s
}

// encodings are the encodings in which the last byte of a character may be a backslash.
// (https://www.postgresql.org/docs/current/multibyte.html)
var encodings = []string{
	"big5", "gbk", "uhc", "gb18030", "sjis", "shiftjis2004", "johab", "mskanji", "win932", "windows932", "win936",
	"windows936", "win949", "windows949", "win950", "windows950",
}

// swallowsBackslash reports whether a character of a client's encoding may end in a backslash.
func swallowsBackslash(encoding string) bool {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, encoding)
	for _, e := range encodings {
		if plain == e {
			return true
		}
	}
	return plain == "shiftjis"
}
