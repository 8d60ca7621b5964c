package catalog

import (
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Body is the parsed body of a function. Postgres keeps such a body as text and
// reads it at each call. So it lets a statement drop or rename a table that the
// body names.
type Body struct {
	fn    *Function
	parts []bodyPart
	// variables are the PL/pgSQL variables with their types as written, by name.
	variables map[string]string
	// calls are the names of the functions that it calls, without schemas.
	calls map[string]bool
	// loose: a name may mean a variable instead of a column.
	loose bool
	// read are its statements in PL/pgSQL.
	read []pgparse.Part
}

// bodyPart is one query or expression of a body.
type bodyPart struct {
	text          string
	node          *pgparse.Node // nil: it could not be parsed
	into          []string      // the variables of INTO
	maybe, caught bool          // see Mention
	target        bool          // the left side of an assignment
}

// Mention is a place in a body that names something.
type Mention struct {
	// Text is the query or expression, as it is written.
	Text string
	// Sure: the query was parsed and means the thing; false if only the names match.
	Sure bool
	// Maybe: a call may not reach the place. Caught: the body handles the error.
	Maybe, Caught bool
}

// ReadBody parses the body of a function in SQL or PL/pgSQL. It returns nil for
// another language, and for BEGIN ATOMIC: the server keeps that as a tree, which
// follows renames.
func ReadBody(fn *Function) *Body {
	readBodies.Lock()
	b, ok := readBodies.cached[fn]
	readBodies.Unlock()
	if ok && b.text == fn.Body {
		return b.body
	}
	b = cachedBody{fn.Body, readBody(fn)}
	readBodies.Lock()
	defer readBodies.Unlock()
	if len(readBodies.cached) >= maxReadBodies {
		clear(readBodies.cached)
	}
	readBodies.cached[fn] = b
	return b.body
}

// readBodies are bodies that were read: a statement that fires a thousand triggers asks for each of theirs.
var readBodies = struct {
	sync.Mutex
	cached map[*Function]cachedBody
}{cached: map[*Function]cachedBody{}}

const maxReadBodies = 1000

// cachedBody is the body that a text has.
type cachedBody struct {
	text string
	body *Body
}

func readBody(fn *Function) *Body {
	b := &Body{fn: fn, calls: map[string]bool{}}
	switch {
	case fn.Body == "":
		return nil
	case fn.Language == "sql":
		file, err := pgparse.SplitText(fn.Body)
		if err != nil {
			return nil
		}
		for i := range file.Stmts {
			s := &file.Stmts[i]
			b.addPart(bodyPart{text: fn.Body[s.Start:s.End], node: s.Node})
		}
	case fn.Language == "plpgsql":
		read := pgparse.ReadBody(fn.Body)
		b.variables, b.loose, b.read = read.Variables, strings.Contains(fn.Body, "use_variable"), read.Parts
		for _, p := range read.Parts {
			part := bodyPart{text: p.Text, into: p.Into, maybe: p.Maybe, caught: p.Caught}
			if file, err := pgparse.SplitText(p.SQL); err == nil && len(file.Stmts) == 1 {
				part.node = file.Stmts[0].Node
			}
			b.addPart(part)
			for _, target := range p.Into {
				if strings.Contains(target, ".") {
					part := bodyPart{text: p.Text, maybe: p.Maybe, caught: p.Caught, target: true}
					if file, err := pgparse.SplitText("SELECT " + target); err == nil && len(file.Stmts) == 1 {
						part.node = file.Stmts[0].Node
					}
					b.parts = append(b.parts, part)
				}
			}
		}
	default:
		return nil
	}
	return b
}

// ListBodyWords lists the names and keywords in the body, some of them more than once.
func (fn *Function) ListBodyWords() []string { return pgparse.ListNames(fn.Body) }

// RowWords lists what the body may name as fields of NEW and OLD, as far as its
// words tell: no field is missing.
func (fn *Function) RowWords() []string { return pgparse.FieldNames(fn.Body, "new", "old") }

func (b *Body) addPart(p bodyPart) {
	b.parts = append(b.parts, p)
	pgparse.Walk(p.node, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok {
			b.calls[pgparse.LastText(call.GetFuncname())] = true
		}
		return true
	})
}

// HasCallOf reports whether the body calls a function of that name.
func (b *Body) HasCallOf(name string) bool { return b.calls[name] }

// ListCertainStatements are the statements that every call comes to, as far as they could be
// read.
func (b *Body) ListCertainStatements() []*pgparse.Node {
	if b == nil {
		return nil
	}
	var out []*pgparse.Node
	for i := range b.parts {
		if p := &b.parts[i]; p.node != nil && !p.maybe {
			out = append(out, p.node)
		}
	}
	return out
}

// ListWrittenRelations are the relations that the body may write rows to, as c knows them.
func (b *Body) ListWrittenRelations(c *Catalog) []*Relation {
	if b == nil {
		return nil
	}
	var out []*Relation
	for i := range b.parts {
		rv := pgparse.WrittenRelation(b.parts[i].node)
		if rv == nil {
			continue
		}
		if r, ok := c.Resolve(rv); ok {
			out = append(out, r)
		}
	}
	return out
}

// FindRelation is the first place that names a relation, a better one before a
// worse one. c is the catalog in which names are looked up.
func (b *Body) FindRelation(c *Catalog, r *Relation) (Mention, bool) { return b.findMention(c, r, "") }

// FindColumn is the first place that names a column of a relation, other than as a
// field of NEW or OLD.
func (b *Body) FindColumn(c *Catalog, r *Relation, column string) (Mention, bool) {
	return b.findMention(c, r, column)
}

func (b *Body) findMention(c *Catalog, r *Relation, column string) (best Mention, found bool) {
	m := mentions{catalog: c, body: b, target: r, column: column, rows: b.rowVariables(r)}
	if hit := m.findDeclaration(); hit != "" {
		return Mention{Text: hit, Sure: true}, true
	}
	for i := range b.parts {
		p := &b.parts[i]
		m.found, m.sure, m.into = false, false, p.into
		if p.node != nil {
			m.checkStatement(p.node)
		} else {
			m.searchWords(p.text)
		}
		if !m.found {
			continue
		}
		next := Mention{Text: p.text, Sure: m.sure, Maybe: p.maybe, Caught: p.caught}
		if !found || next.rank() > best.rank() {
			best, found = next, true
		}
	}
	return best, found
}

// rank orders the places that name the same thing.
func (m Mention) rank() int {
	w := 0
	if m.Sure {
		w += 4
	}
	if !m.Caught {
		w += 2
	}
	if !m.Maybe {
		w++
	}
	return w
}

// Field is a field of NEW or OLD that the function of a trigger names.
type Field struct {
	Record, Name string // Record is "new" or "old"
	Mention
}

// ListRecordFields lists the fields of NEW and OLD that the body names, each once.
func (b *Body) ListRecordFields() []Field {
	if b.fn.Language != "plpgsql" {
		return nil
	}
	var out []Field
	m := mentions{body: b, target: &plainTarget}
	for i := range b.parts {
		p := &b.parts[i]
		if p.node == nil {
			continue
		}
		m.fields = nil
		m.checkStatement(p.node)
		for _, f := range m.fields {
			f.Mention = Mention{Text: p.text, Sure: true, Maybe: p.maybe, Caught: p.caught}
			fieldIndex := slices.IndexFunc(out, func(o Field) bool { return o.Record == f.Record && o.Name == f.Name })
			switch {
			case fieldIndex < 0:
				out = append(out, f)
			case f.rank() > out[fieldIndex].rank():
				out[fieldIndex] = f
			}
		}
	}
	return out
}

// plainTarget is what nothing names.
var plainTarget = Relation{Rare: &plain}

// ByTable reports whether the body of a trigger's function asks which table, or
// which trigger, it runs for: then it may treat some otherwise than others.
func (b *Body) ByTable() bool {
	for _, name := range pgparse.ListNames(b.fn.Body) {
		switch name {
		case "tg_table_name", "tg_relname", "tg_relid", "tg_table_schema", "tg_name", "tg_argv", "tg_nargs":
			return true
		}
	}
	return false
}

// rowVariables are the variables that hold rows of a relation.
func (b *Body) rowVariables(r *Relation) map[string]bool {
	var out map[string]bool
	for name, typ := range b.variables {
		words := pgparse.ListNames(typ)
		if n := len(words); n > 1 && strings.Contains(typ, "%") && words[n-1] == "rowtype" {
			words = words[:n-1]
		} else if strings.ContainsAny(typ, "%([") {
			continue
		}
		if n := len(words); n > 0 && n < 3 && words[n-1] == r.Name.Name && (n == 1 || words[0] == r.Name.Schema) {
			if out == nil {
				out = map[string]bool{}
			}
			out[name] = true
		}
	}
	return out
}

// findDeclaration is the declaration of a variable that names the relation or column.
func (m *mentions) findDeclaration() string {
	names := make([]string, 0, len(m.body.variables))
	for name := range m.body.variables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		typ := m.body.variables[name]
		switch words := pgparse.ListNames(typ); {
		case m.column == "" && m.rows[name]:
			return name + " " + typ
		case !strings.HasSuffix(strings.ToLower(strings.TrimRight(typ, "[] ")), "%type"):
		case len(words) > 2 && words[len(words)-3] == m.target.Name.Name && (m.column == "" || words[len(words)-2] == m.column):
			return name + " " + typ
		}
	}
	return ""
}
