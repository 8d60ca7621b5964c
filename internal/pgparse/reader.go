package pgparse

import "strings"

// Reader is who cuts a text into statements, and how strings end for it. The zero
// value is the server, with its settings as they come.
type Reader struct {
	// Psql: it is psql, which reads line by line, keeps its own commands to itself
	// and takes the lines behind COPY … FROM STDIN for rows.
	Psql bool
	// Message: all of it is parsed before any of it runs: what it sets holds for
	// the next message.
	Message bool
	// Block: the runner has opened a transaction.
	Block bool
	// Strings is how strings end when it begins.
	Strings Strings
}

// Strings is how the strings of a session end. The zero value is how they do
// where nobody says anything.
type Strings struct {
	// Off: standard_conforming_strings is off; a backslash escapes in all of them.
	Off bool
	// Unsure: it may be off.
	Unsure bool
	// Encoding is the client's where a letter of it may end in a backslash.
	Encoding string
}

// encodings are those in which the last byte of a letter may be a backslash.
// (https://www.postgresql.org/docs/current/multibyte.html)
var encodings = []string{"big5", "gbk", "uhc", "gb18030", "sjis", "shiftjis2004", "johab", "mskanji", "win932", "windows932", "win936", "windows936", "win949", "windows949", "win950", "windows950"}

// swallows reports whether a letter of a client's encoding may end in a backslash.
func swallows(encoding string) bool {
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
