package audit

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// saysConflict is where SQL in a text of code says ON CONFLICT: over several
	// lines, or as several texts that are joined. What follows is a list of columns,
	// some of them as lower(a), a constraint, or put together as the program runs.
	saysConflict = regexp.MustCompile(`(?i)\bon[\s"'+\\]+conflict\b[\s"'+\\]*(?:\(((?:[\w\s,"` + "`" + `\\]|(?:lower|upper)\([\w\s"` + "`" + `\\]*\))*)\)|on[\s"'+\\]+constraint[\s"'+\\]+(\w+)|(do)\b)?`)
	insertInto   = regexp.MustCompile(`(?i)^insert[\s"'+\\]+into[\s"'+\\]+((?:[\w"\\]+\.)?[\w"\\]+)?`)
)

// upsertReach is how far before its ON CONFLICT an INSERT begins.
const upsertReach = 8 << 10

// conflict is a place of the code that says ON CONFLICT, and what of.
type conflict struct {
	path, text string
	line       int
	into       string // the table, without its schema; "" where it is put in as the program runs
	target     conflictTarget
	constraint string
	columns    []string // lower case, sorted
}

type conflictTarget int

const (
	byColumns conflictTarget = iota
	byConstraint
	putTogether // as the program runs
)

// conflicts are all of a revision; spelled: one of them names its table.
type conflicts struct {
	all     []conflict
	spelled bool
	err     error
}

// conflictsSaid reads the files that say ON CONFLICT, once for all questions.
func (u *deployedCode) conflictsSaid() *conflicts {
	if u.conflict != nil {
		return u.conflict
	}
	u.conflict = &conflicts{}
	var paths []string
	seen := map[string]bool{}
	for _, h := range pick(u.upsertHits(), upserts) {
		if !seen[h.Path] && onConflict.MatchString(h.Text) {
			seen[h.Path] = true
			paths = append(paths, h.Path)
		}
	}
	texts, err := u.base.ReadAll(paths)
	u.conflict.err = err
	for _, file := range paths {
		u.conflict.read(file, string(texts[file]))
	}
	return u.conflict
}

func (s *conflicts) read(file, text string) {
	for _, m := range saysConflict.FindAllStringSubmatchIndex(text, -1) {
		c := conflict{path: file}
		c.text, c.line = lineAt(text, m[0])
		if comment(c.text) {
			continue
		}
		c.into = intoOf(text[max(0, m[0]-upsertReach):m[0]])
		s.spelled = s.spelled || c.into != ""
		switch {
		case m[6] >= 0:
			continue // DO NOTHING asks for no index
		case m[4] >= 0:
			c.target, c.constraint = byConstraint, text[m[4]:m[5]]
		case m[2] >= 0:
			c.columns = targets(text[m[2]:m[3]])
		case spelledOut(text[m[1]:]):
			continue // an expression, which is no column
		default:
			c.target = putTogether
		}
		s.all = append(s.all, c)
	}
}

// spelledOut reports whether a conflict target is written as it will be: nothing is
// put into it as the program runs.
func spelledOut(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r\n")
	target, _, found := strings.Cut(strings.ToLower(rest[:min(len(rest), targetReach)]), ") do")
	return found && strings.HasPrefix(target, "(") && !strings.ContainsAny(target, "%{$+\"'`")
}

// targetReach is how long a conflict target is, at most.
const targetReach = 1 << 10

// intoOf is the table of the last INSERT of a text, without its schema; "" where it
// has none, or one whose table is put in as it runs.
func intoOf(text string) string {
	const insert = "insert"
	for i := len(text) - len(insert); i >= 0; i-- {
		if !strings.EqualFold(text[i:i+len(insert)], insert) || i > 0 && wordByte(text[i-1]) {
			continue
		}
		if m := insertInto.FindStringSubmatch(text[i:]); m != nil {
			return relation(m[1])
		}
	}
	return ""
}

// targets are the columns of a conflict target, sorted. An expression is its
// own text, which no column has.
func targets(list string) []string {
	var out []string
	for c := range strings.SplitSeq(list, ",") {
		out = append(out, strings.ToLower(unquoting.Replace(c)))
	}
	slices.Sort(out)
	return out
}

var unquoting = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", `"`, "", "`", "", `\`, "")

// relation is the name of a table without its schema and quotes.
func relation(name string) string {
	name = strings.NewReplacer(`"`, "", `\`, "").Replace(name)
	return name[strings.LastIndexByte(name, '.')+1:]
}
