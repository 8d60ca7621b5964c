package liquibase

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// formattedHead matches the first line of a file: "--liquibase formatted sql".
var formattedHead = lazyregexp.New(`(?i)^\s*--\s*liquibase\s+formatted\s+sql\b`)

// IsFormattedSQL reports whether a text is Liquibase's formatted SQL.
func IsFormattedSQL(text string) bool {
	return strings.HasPrefix(strings.TrimLeft(text, " \t\r\n\f\v"), "--") && formattedHead.MatchString(text)
}

// changesetLine matches the line that begins a changeset: "--changeset alice:1 runOnChange:true".
var changesetLine = lazyregexp.New(`(?im)^[ \t]*--[ \t]*changeset[ \t]+((?:"[^"\n]*"|[^:\n]+):[ \t]*(?:"[^"\n]*"|\S+))(.*)$`)

// SplitChangesets returns the parts of a Liquibase file: each changeset, or its pieces if it
// has a delimiter of its own; and the offsets of the changesets that it cuts at each ';'.
func SplitChangesets(text string) (out []script.Part, cut []int) {
	heads := changesetLine.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		says := changesetAttributes(text[h[4]:h[5]])
		if !isForPostgres(says["dbms"]) || strings.EqualFold(says["ignore"], "true") {
			continue
		}
		block := i + 1
		if strings.EqualFold(says["runintransaction"], "false") {
			block = 0
		}
		whole := strings.EqualFold(says["splitstatements"], "false")
		delimiter := says["enddelimiter"]
		for _, r := range cutAtDelimiter(text, h[1], end, delimiter, whole) {
			p := adapter.TrimmedPart(text, r[0], r[1])
			if p.SQL == "" {
				continue
			}
			p.Name, p.Block, p.Message = strings.ReplaceAll(text[h[2]:h[3]], `"`, ""), block, whole
			p.Sum = normalizeSQL(p.SQL)
			p.Again = strings.EqualFold(says["runonchange"], "true") || strings.EqualFold(says["runalways"], "true")
			if !whole && (delimiter == "" || delimiter == ";") {
				cut = append(cut, len(out))
			}
			out = append(out, p)
		}
	}
	return out, cut
}

var (
	// liquibaseOwn matches comments of a changeset that Liquibase itself reads, such as
	// the further checksums that it accepts.
	liquibaseOwn  = lazyregexp.New(`(?im)^[ \t]*--[ \t]*(?:rollback|comment|preconditions?|validCheckSum|ignoreLines|property)\b.*$`)
	validCheckSum = lazyregexp.New(`(?im)^[ \t]*--[ \t]*validCheckSum\b`)
)

// bracketSpace matches white space beside brackets and commas.
var bracketSpace = lazyregexp.New(`\s*([(),])\s*`)

// normalizeSQL returns the text of a part that Liquibase compares: its SQL, whatever the white space, which it leaves out beside brackets
// and commas (4.33.0).
func normalizeSQL(sql string) string {
	if validCheckSum.MatchString(sql) {
		return ""
	}
	return bracketSpace.ReplaceAllString(strings.Join(strings.Fields(liquibaseOwn.ReplaceAllString(sql, "")), " "), "$1")
}

var attribute = lazyregexp.New(`(\w+):("[^"]*"|'[^']*'|\S+)`)

// changesetAttributes returns the attributes after the name of a changeset, by lower-case keys.
func changesetAttributes(line string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(line, -1) {
		out[strings.ToLower(m[1])] = strings.Trim(m[2], `"'`)
	}
	return out
}

// isForPostgres reports whether a changeset runs on Postgres, judged by its dbms attribute:
// a list of databases, or of excluded ones with a '!'.
func isForPostgres(dbms string) bool {
	if dbms == "" {
		return true
	}
	hasPostgres, hasOther := false, false
	for _, d := range strings.Split(strings.ToLower(dbms), ",") {
		switch d = strings.TrimSpace(d); {
		case d == "!postgresql", d == "none":
			return false
		case d == "postgresql", d == "all":
			hasPostgres = true
		case !strings.HasPrefix(d, "!"):
			hasOther = true
		}
	}
	return hasPostgres || !hasOther
}

// cutAtDelimiter cuts part of a text at a changeset's own delimiter.
func cutAtDelimiter(text string, from, to int, delimiter string, whole bool) [][2]int {
	if whole || delimiter == "" || delimiter == ";" {
		return [][2]int{{from, to}}
	}
	var out [][2]int
	for start := from; ; {
		n := strings.Index(text[start:to], delimiter)
		if n < 0 {
			return append(out, [2]int{start, to})
		}
		out = append(out, [2]int{start, start + n})
		start += n + len(delimiter)
	}
}

// indexBodyCut returns the offset of the ';' in a body at which Liquibase cuts a changeset in
// two; -1 for none.
func indexBodyCut(sql string) int {
	var lex adapter.Lexer
	openTag, depth, from := "", 0, 0
	for {
		n := strings.IndexByte(sql[from:], ';')
		if n < 0 {
			return -1
		}
		piece := sql[from : from+n]
		lex.Feed(piece + ";")
		tag, body := strings.CutPrefix(lex.Open(), "a body quoted with ")
		if !body {
			tag = ""
		}
		if tag != "" {
			if openTag == "" {
				depth = 0
				piece = piece[strings.LastIndex(piece, tag)+len(tag):]
			}
			for _, word := range pgparse.ListNames(piece) {
				switch word {
				case "begin":
					depth++
				case "end":
					depth--
				}
			}
			if depth <= 0 {
				return from + n
			}
		}
		openTag = tag
		from += n + 1
	}
}

// RefuseCuts reports the changesets that Liquibase cuts inside a body.
func RefuseCuts(m *adapter.Migration, cut []int) {
	for _, i := range cut {
		p := m.Source.Parts[i]
		if offset := indexBodyCut(p.SQL); offset >= 0 {
			m.Refuse(p.Start+offset, "Liquibase cuts the changeset "+p.Name+" at this ';', inside a body",
				"it sends half a statement, and the update fails: Unterminated dollar quote",
				"let it send the changeset whole: splitStatements:false after its name, or endDelimiter with a text that is in no body")
		}
	}
}
