package prove

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// place is where a part of a printed fix goes.
type place int

// The places of parts.
const (
	here         place = iota // in the place of the statement, or beside it
	ownFile                   // in a file of its own that runs without a transaction
	nextFile                  // in a later transaction, so in a later file
	outsideBlock              // before BEGIN or after COMMIT
	deployStep                // sent by hand, beside the migration tool
	laterRelease              // in a run of the tool after this one
)

// fixPart is a part of a printed fix that goes to one place.
type fixPart struct {
	place place
	// head are lines that its file must begin with.
	head string
	sql  string
}

// movesStatement matches the first line of a fix that moves all the SQL to one place.
var movesStatement = regexp.MustCompile(`^(move it|take it out|build one in|validate (it )?in)`)

// placeOf reads where words send the SQL below them.
func placeOf(words string) place {
	switch {
	case strings.Contains(words, "step of the deploy"):
		return deployStep
	case strings.Contains(words, "later migration"), strings.Contains(words, "migration of its own, after"):
		return nextFile
	case strings.Contains(words, "later release"):
		return laterRelease
	case strings.Contains(words, "JavaScript"): // which no file of SQL can stand for
		return deployStep
	case strings.Contains(words, "file of its own, after that"), strings.Contains(words, "transaction of its own"):
		return nextFile
	case strings.Contains(words, "behind COMMIT"), strings.Contains(words, "in front of BEGIN"):
		return outsideBlock
	case strings.Contains(words, "of its own"):
		return ownFile
	}
	return here
}

// splitFix reads a printed fix as a reader does: the first line is prose, a comment may say where the SQL below it goes,
// and a line that begins with "or" names another way. It returns nil if there is no SQL.
func splitFix(instead string) []fixPart {
	prose, text, _ := strings.Cut(instead, "\n")
	var parts []fixPart
	part := fixPart{}
	if movesStatement.MatchString(prose) {
		part.place = placeOf(prose)
	}
	finish := func() {
		if strings.TrimSpace(part.sql) != "" {
			parts = append(parts, part)
		}
	}
	for line := range strings.Lines(text) {
		complete := part.sql == "" || strings.HasSuffix(strings.TrimSpace(part.sql), ";")
		switch to := placeOf(line); {
		case strings.HasPrefix(line, "or ") && complete:
			finish()
			return parts
		case strings.HasPrefix(line, "-- ") && to != here:
			finish()
			part = fixPart{place: to}
		case strings.HasPrefix(line, "--") && part.sql == "" && part.place == ownFile:
			part.head += line
		case part.sql == "" && part.place == deployStep && strings.HasPrefix(line, "--"):
		default:
			part.sql += line
		}
	}
	finish()
	return parts
}

// statementsOf are the statements of a text, without comments around them.
func statementsOf(sql string) []pgparse.Stmt {
	file, err := pgparse.SplitText(sql)
	if err != nil {
		return nil
	}
	return file.Stmts
}

// isQuery reports whether parts only read: they are asked in production, and replace nothing. setval() writes.
func isQuery(parts []fixPart) bool {
	for _, p := range parts {
		for _, s := range statementsOf(p.sql) {
			if s.Node.GetSelectStmt() == nil || setsNumber([]string{p.sql}) {
				return false
			}
		}
	}
	return true
}

// position is where a reader may put a fix whose words do not say it.
type position int

// The positions, in the order in which they are tried.
const (
	inPlace position = iota
	before
	after
	atEnd
)

// pastedFile is a file that comes of a fix, or SQL that is sent by hand.
type pastedFile struct {
	text string
	// step: it is sent by hand; later: in another run of the tool.
	step, later bool
	// conf is a file of settings beside it; "" for none.
	conf string
}

// target is the statement in its file that a fix is for.
type target struct {
	text       string
	start, end int
	// first and last bound all statements of the file.
	first, last int
}

// paste puts a fix into a file, which may become several.
func (g target) paste(parts []fixPart, pos position) []pastedFile {
	head, foot := g.text[:g.first], g.text[g.last:]
	statement := fixPart{sql: g.text[g.start:g.end] + ";\n"}
	body, rest := g.text[g.first:g.start], strings.TrimPrefix(g.text[g.end:g.last], ";")
	switch pos {
	case before:
		parts = append(slices.Clone(parts), statement)
	case after:
		parts = append([]fixPart{statement}, parts...)
	case atEnd:
		body, rest = body+statement.sql+rest+"\n", ""
	}
	var files []pastedFile
	if n := len(beginWord.FindAllString(body, -1)); n > len(commitWord.FindAllString(body, -1)) {
		return g.pasteInBlock(parts, head, body, rest, foot)
	}
	flush := func() {
		if len(statementsOf(body)) > 0 {
			files = append(files, pastedFile{text: head + body + foot})
		}
		body = ""
	}
	hasBegun := pos != inPlace && pos != before
	for _, p := range parts {
		switch p.place {
		case here:
			body, hasBegun = body+p.sql+"\n", true
		case outsideBlock:
			if !hasBegun {
				body = insertBefore(body, p.sql)
			} else {
				rest = insertAfter(rest, p.sql)
			}
		case nextFile:
			flush()
			files = append(files, pastedFile{text: head + p.sql + foot})
		case laterRelease:
			flush()
			files = append(files, pastedFile{text: head + p.sql + foot, later: true})
		case deployStep:
			flush()
			files = append(files, pastedFile{text: p.sql, step: true})
		case ownFile:
			flush()
			files = append(files, p.asFiles(head, foot)...)
		}
	}
	body += rest
	if !strings.HasSuffix(strings.TrimSpace(body), ";") {
		body += ";\n"
	}
	flush()
	return files
}

// asFiles are the files of a part that goes to a file of its own.
func (p fixPart) asFiles(head, foot string) (files []pastedFile) {
	switch {
	case strings.Contains(p.head, "executeInTransaction"):
		return []pastedFile{{text: head + p.sql + foot, conf: strings.TrimPrefix(p.head, "-- ")}}
	case p.head != "":
		return []pastedFile{{text: p.head + p.sql + foot}}
	}
	for _, s := range statementsOf(p.sql) {
		files = append(files, pastedFile{text: head + p.sql[s.Start:s.End] + ";\n" + foot})
	}
	return files
}

// pasteInBlock is paste for a statement between BEGIN and COMMIT, which stay in one file. Parts for other files go
// before that file until the first part that stays, and after it from then on.
func (g target) pasteInBlock(parts []fixPart, head, body, rest, foot string) []pastedFile {
	var first, last []pastedFile
	stays := slices.ContainsFunc(parts, func(p fixPart) bool { return p.place == here })
	hasBegun := !stays
	for _, p := range parts {
		var files []pastedFile
		switch p.place {
		case here:
			body, hasBegun = body+p.sql+"\n", true
		case outsideBlock:
			if hasBegun && stays {
				rest = insertAfter(rest, p.sql)
			} else {
				body = insertBefore(body, p.sql)
			}
		case ownFile:
			files = p.asFiles(head, foot)
		default:
			files = []pastedFile{{text: head + p.sql + foot, step: p.place == deployStep, later: p.place == laterRelease}}
		}
		if hasBegun {
			last = append(last, files...)
		} else {
			first = append(first, files...)
		}
	}
	return slices.Concat(first, []pastedFile{{text: head + body + rest + ";\n" + foot}}, last)
}

var (
	beginWord  = regexp.MustCompile(`(?im)^\s*(BEGIN|START TRANSACTION)\b`)
	commitWord = regexp.MustCompile(`(?im)^\s*(COMMIT|END)\s*(;|$)`)
)

// insertBefore inserts SQL before BEGIN.
func insertBefore(body, sql string) string {
	matches := beginWord.FindAllStringIndex(body, -1)
	if len(matches) == 0 {
		return sql + body
	}
	n := matches[len(matches)-1][0]
	return body[:n] + "\n" + sql + body[n:]
}

// insertAfter puts SQL after COMMIT.
func insertAfter(rest, sql string) string {
	match := commitWord.FindStringIndex(rest)
	if match == nil {
		return rest + "\n;" + sql
	}
	return rest[:match[1]] + ";\n" + sql + rest[match[1]:]
}
