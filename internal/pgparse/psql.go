package pgparse

import "strings"

// This file handles the commands of psql itself, such as \set and \i
// (https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS).

// idle are the commands that do not change what a file runs: commands about psql's
// output, descriptions of objects, and \restrict, which pg_dump writes. \i, \c, \if,
// \copy, \gexec, \q and \! do change it, and \o may start a program.
var idle = map[string]bool{
	"echo": true, "qecho": true, "warn": true, "timing": true, "pset": true, "x": true, "a": true, "t": true, "H": true, "f": true,
	"C": true, "T": true, "conninfo": true, "errverbose": true, "copyright": true, "h": true, "help": true, "?": true, "l": true,
	"l+": true, "z": true, "p": true, "print": true, "restrict": true, "unrestrict": true, "prompt": true,
}

// telling are the variables of psql that change how a file runs.
var telling = map[string]bool{"AUTOCOMMIT": true, "ON_ERROR_ROLLBACK": true, "FETCH_COUNT": true, "SINGLELINE": true}

// IsIdleCommand reports whether a psql command does not change what a file runs. A variable set by
// \set has no effect here: its use in a statement is not valid SQL and is found there.
func IsIdleCommand(command string) bool {
	words := strings.Fields(command)
	if len(words) == 0 || !strings.HasPrefix(words[0], `\`) || strings.Contains(command[1:], `\`) || strings.Contains(command, "`") {
		return false // another command on the line, or a program's output
	}
	switch name := words[0][1:]; {
	case name == "set" || name == "unset":
		return len(words) == 1 || !telling[words[1]]
	case name == "encoding":
		return len(words) == 1 || !swallowsBackslash(words[1])
	case name == "d" || len(name) > 1 && name[0] == 'd':
		return true
	default:
		return idle[name]
	}
}

// sendsStatement reports whether a psql command ends the statement before it: \g, \gx, \gset and
// similar commands.
func sendsStatement(command string) bool {
	name := firstWord(command)
	return strings.HasPrefix(name, `\g`) || name == `\crosstabview` || strings.HasPrefix(name, `\watch`)
}

// scanCommand consumes a psql command. In psql, "\;" and "\:" in a statement stand for the
// byte after the backslash.
func (s *scanner) scanCommand() {
	src, i := s.src, s.pos
	if s.by.Psql && i+1 < len(src) && (src[i+1] == ';' || src[i+1] == ':') {
		s.pos += 2
		if src[i+1] == ';' {
			s.endPiece()
			s.unsent = true
		}
		return
	}
	end := lineEnd(src, i)
	if s.by.Psql {
		end = commandEnd(src, i)
	}
	s.pos = end
	if s.start < 0 {
		s.pieces = append(s.pieces, piece{start: i, end: end, meta: true})
	} else {
		if s.slash == 0 {
			s.slash = i
		}
		s.last = end
		if sendsStatement(src[i:end]) {
			s.endMessage()
		}
	}
	if s.by.Psql && strings.HasPrefix(src[s.pos:], `\\`) {
		s.pos += 2 // SQL, or another command, follows
	}
}

// wholeLine are the commands that use the rest of the line unchanged.
var wholeLine = map[string]bool{
	`\!`:    true,
	`\copy`: true,
	`\help`: true,
	`\h`:    true,
	`\ef`:   true,
	`\ev`:   true,
	`\sf`:   true,
	`\sv`:   true,
	`\sf+`:  true,
	`\sv+`:  true,
}

// commandEnd returns the end of the psql command at i: the end of the line, or a
// backslash that begins the next command or separates the command from what follows.
func commandEnd(src string, i int) int {
	line := src[i:]
	if n := strings.IndexByte(line, '\n'); n >= 0 {
		line = line[:n]
	}
	name := len(line)
	if n := strings.IndexAny(line[1:], " \t\r\f\v\\"); n >= 0 {
		name = n + 1
	}
	if wholeLine[line[:name]] || strings.HasPrefix(line, `\!`) {
		return i + len(line)
	}
	for pos := name; pos < len(line); pos++ {
		switch c := line[pos]; c {
		case '\\':
			return i + pos
		case '|':
			if strings.HasPrefix(line, `\g`) || strings.HasPrefix(line, `\o`) || strings.HasPrefix(line, `\w`) {
				return i + len(line) // a program's arguments
			}
		case '\'', '"', '`':
			pos = quoteEnd(line, pos, c, c == '\'') - 1
		}
	}
	return i + len(line)
}

// locateRowsEnd finds where the text continues after the rows that psql reads for a COPY …
// FROM STDIN. They begin on the next line and end at a line with "\." alone, or at the
// end of the input. Other tools read no rows, so without such a line there are none.
func (s *scanner) locateRowsEnd() {
	from := s.resume
	if from == 0 {
		n := strings.IndexByte(s.src[s.pos:], '\n')
		if n < 0 {
			return
		}
		s.lineBreak = s.pos + n
		from = s.lineBreak + 1
	}
	if end := rowsEnd(s.src, from); end >= 0 {
		s.resume = end
	} else if s.by.Psql {
		s.resume, s.endless = len(s.src), from
	} else if s.resume == 0 {
		s.lineBreak = 0
	}
}

// skipCopyRows continues after the rows of a COPY. An unfinished statement before the rows
// continues there.
func (s *scanner) skipCopyRows() {
	if s.pos > s.lineBreak {
		s.beginPiece(s.lineBreak) // a comment continues
		s.last = s.pos
	}
	s.broken = s.broken || s.start >= 0
	s.pos = max(s.pos, s.resume)
	from := s.endless
	s.lineBreak, s.resume, s.endless = 0, 0, 0
	if from > 0 && looksLikeSQL(s.src[from:]) {
		s.endPiece()
		s.pieces = append(s.pieces, piece{start: from, end: len(s.src), endless: true})
	}
}

// looksLikeSQL reports whether rows without an end look like statements, because a line
// ends in a semicolon. psql reads them as rows, although their author meant statements.
func looksLikeSQL(rows string) bool {
	for line := range strings.Lines(rows) {
		if strings.HasSuffix(strings.TrimRight(line, " \t\r\n"), ";") {
			return true
		}
	}
	return false
}

// rowsEnd returns the end of the rows that begin at i, including the line that ends them;
// -1 if no line does.
func rowsEnd(src string, i int) int {
	for i < len(src) {
		line, next := src[i:], len(src)
		if n := strings.IndexByte(line, '\n'); n >= 0 {
			line, next = line[:n], i+n+1
		}
		if line == `\.` || line == "\\.\r" {
			return next
		}
		i = next
	}
	return -1
}
