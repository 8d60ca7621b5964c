package liquibase

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// changeSet is a changeset while it becomes a migration.
type changeSet struct {
	*loader
	file *adapter.File
	m    *adapter.Migration
	// base has the properties that all its parts share.
	base script.Part
	// shift is what an offset in the file adds to become one in the migration's text; inText is false if the migration has no text.
	shift  int
	inText bool
}

// newChangeSet makes a migration without SQL. Its text has the lines of the file from a line up to an offset.
func (l *loader) newChangeSet(f *adapter.File, author, id string, line, start, end int) *changeSet {
	name := describeChangeSet(strings.TrimPrefix(f.Path, l.source.Dir+"/"), author, id)
	if l.ids[name]++; l.ids[name] > 1 {
		name = fmt.Sprintf("%s#%d", name, l.ids[name])
	}
	copied := *f
	copied.Text, copied.Written = "", ""
	c := &changeSet{loader: l, file: f, m: copied.Start(l.source, name, name)}
	c.m.Opaque = nil
	c.m.Runner.Tool = tool
	if size := line + end - start; l.text+size <= maxText {
		l.text += size
		c.m.Source.Text = strings.Repeat("\n", line-1) + f.Text[start:end]
		c.shift, c.inText = line-1-start, true
	}
	return c
}

// sealMigration hashes the parts of the migration, and adds it to the set.
func (c *changeSet) sealMigration() {
	var whole strings.Builder
	for _, p := range c.m.Source.Parts {
		whole.WriteString(p.SQL + "\x00")
	}
	for _, o := range c.m.Opaque {
		whole.WriteString(o.What + "\x01")
	}
	_, name, _ := strings.Cut(c.m.ID, "::")
	c.m.Seal(onward.TransactionNone, c.source.Options, name+"\x00"+whole.String())
	c.set.Migrations = append(c.set.Migrations, c.m)
}

// addChangeSet adds the migration of a changeset that is no SQL.
func (l *loader) addChangeSet(log *changelog, e *element, parent inherited) {
	if !isForPostgres(l.fillText(e.getText("dbms"))) || e.isTrue("ignore") || isForOther(e) {
		return
	}
	conditions := readConditions(e.firstChild("preConditions"))
	if conditions.never {
		return
	}
	end := len(log.file.Text)
	if next := log.nextElementOffset(e); next > 0 {
		end = next
	}
	c := l.newChangeSet(log.file, l.fillText(e.getText("author")), l.fillText(e.getText("id")), e.line, log.lineStart(e.line), end)
	c.m.Source.LineComment = "#"
	if strings.HasSuffix(strings.ToLower(log.path), ".xml") {
		c.m.Source.LineComment = "<!--"
	}
	c.base = script.Part{Start: -1, Conditional: parent.conditional || isOptional(e) || conditions.maybe, Needs: conditions.needs, NeedsAt: conditions.line}
	if c.base.Block = 1; e.isFalse("runInTransaction") {
		c.base.Block = 0
		c.m.Runner.Rerun = true
	}
	c.m.Repeatable = e.isTrue("runOnChange") || e.isTrue("runAlways")
	for _, change := range e.children {
		c.addChange(change)
	}
	c.sealMigration()
}

// addOpaque records a change that is not judged.
func (c *changeSet) addOpaque(e *element, reason string) {
	c.m.Opaque = append(c.m.Opaque, onward.Opaque{
		Migration: c.m.ID, Path: c.m.Path, Line: e.line, Column: e.column, What: "change " + e.name, Why: reason,
	})
}

// addPart adds a statement that Liquibase writes for a change.
func (c *changeSet) addPart(e *element, sql string) {
	p := c.base
	p.SQL, p.Line, p.Column, p.EndLine, p.EndColumn = sql, e.line, e.column, max(e.line, e.endLine), e.column
	c.m.Source.Parts = append(c.m.Source.Parts, p)
}

// nextElementOffset returns the offset of the line of the element after a changeset; 0 for none.
func (c *changelog) nextElementOffset(e *element) int {
	if c.next == nil {
		c.next = map[*element]int{}
		for i, x := range c.root.children[:max(0, len(c.root.children)-1)] {
			if to := c.lineStart(c.root.children[i+1].line); to > c.lineStart(x.line) {
				c.next[x] = to
			}
		}
	}
	return c.next[e]
}

func (c *changelog) lineStart(line int) int {
	if c.lines == nil {
		c.lines = pgparse.NewLines(c.file.Text)
	}
	return c.lines.LineStart(line)
}

// loadSQLFile loads a file of SQL: Liquibase's formatted SQL, or a text that is one changeset.
func (l *loader) loadSQLFile(p string, parent inherited) {
	f := adapter.ReadFile(l.tree, p)
	f.FillNames()
	lines := pgparse.NewLines(f.Text)
	if f.Failed != "" || !IsFormattedSQL(f.Text) {
		c := l.newChangeSet(f, "includeAll", "raw", 1, 0, len(f.Text))
		if c.m.Opaque = f.Opaque; f.Failed == "" {
			c.base = script.Part{Block: 1, Conditional: parent.conditional}
			c.addText(&element{name: "sql", line: 1, column: 1, endLine: 1}, f.Text, 0, false)
		}
		c.sealMigration()
		return
	}
	parts, cut := SplitChangesets(f.Text)
	for i := 0; i < len(parts); {
		n := i + 1
		for n < len(parts) && parts[n].Name == parts[i].Name {
			n++
		}
		end := len(f.Text)
		if n < len(parts) {
			end = parts[n].Start
		}
		line, _ := lines.Position(parts[i].Start)
		author, id, _ := strings.Cut(parts[i].Name, ":")
		c := l.newChangeSet(f, author, id, line, lines.LineStart(line), end)
		c.m.Repeatable = parts[i].Again
		c.m.Runner.Rerun = parts[i].Block == 0
		for _, part := range parts[i:n] {
			part.Conditional = parent.conditional
			part.Name, part.Sum, part.Again = "", "", false
			if filled := l.fillText(part.SQL); filled != part.SQL || !c.inText {
				part.Line, part.Column = lines.Position(part.Start)
				part.EndLine, part.EndColumn = part.Line, part.Column
				part.SQL, part.Start = filled, -1
			} else {
				part.Start += c.shift
			}
			c.m.Source.Parts = append(c.m.Source.Parts, part)
		}
		for ; len(cut) > 0 && cut[0] < n; cut = cut[1:] {
			if part := c.m.Source.Parts[cut[0]-i]; part.Start >= 0 {
				c.reportCut(part, "splitStatements:false after its name, or endDelimiter with a text that is in no body")
			}
		}
		c.sealMigration()
		i = n
	}
}

// reportCut reports a part that Liquibase cuts inside a body.
func (c *changeSet) reportCut(p script.Part, instead string) {
	offset := indexBodyCut(p.SQL)
	if offset < 0 {
		return
	}
	line := p.Line
	if p.Start >= 0 {
		line = 1 + strings.Count(c.m.Source.Text[:p.Start+offset], "\n")
	}
	c.m.Problems = append(c.m.Problems, history.Refusal{
		Line: line, Column: 1, Message: "Liquibase cuts the changeset " + c.m.ID + " at a ';' inside a body",
		Harm:    "it sends half a statement, and the update fails: Unterminated dollar quote",
		Instead: "let it send the text whole: " + instead,
	})
}

// addText adds the SQL of a text. start is its offset in the file; -1 if it is not there letter by letter. whole is set if Liquibase
// sends it as one message.
func (c *changeSet) addText(e *element, text string, start int, whole bool) {
	filled := c.fillText(text)
	delimiter := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\s*`, "").Replace(e.getText("endDelimiter"))
	for _, r := range cutAtDelimiter(filled, 0, len(filled), delimiter, whole) {
		part := adapter.TrimmedPart(filled, r[0], r[1])
		if part.SQL == "" {
			continue
		}
		p := c.base
		p.SQL, p.Message, p.Start = part.SQL, whole, -1
		p.Line, p.Column, p.EndLine, p.EndColumn = e.line, e.column, max(e.line, e.endLine), e.column
		if start >= 0 && c.inText && filled == text {
			p.Start = start + part.Start + c.shift
		}
		if !whole && (delimiter == "" || delimiter == ";") {
			c.reportCut(p, `splitStatements="false", or endDelimiter with a text that is in no body`)
		}
		c.m.Source.Parts = append(c.m.Source.Parts, p)
	}
}
