package rule

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// FunctionUse is a function that stands in the schema at commit, and whose body
// still names what the commit takes away: Postgres lets it, and the call fails.
type FunctionUse struct {
	*catalog.Function
	catalog.Mention
	// Names is what it names: "NEW.total", "the table". Error is what the
	// server says when a call comes there.
	Names, Error string
	// Row is the trigger of the table itself by which the function sees the
	// row as NEW or OLD; nil for a function with a query.
	Row *catalog.Trigger
	// By is what calls the function, and Fires what makes a trigger do so:
	// "UPDATE of posts that fires touch". "" is nothing that is seen.
	By, Fires string
	// Later: the migration mends it behind the commit, in another transaction.
	Later bool
	// Code is where the deployed code calls it, for a message.
	Code string
	// Unknown: the code that may call it could not be looked at.
	Unknown bool
}

// severity is how bad it is: a function that something calls is as good as
// code.
func (f *FunctionUse) severity() onward.Severity {
	if f.Sure && !f.Caught && !f.Later && f.By != "" {
		return onward.Error
	}
	return onward.Warning
}

// Taken is what is known of the use of a column, or of the relation of a
// change when c is nil, that a commit takes away or renames: by the deployed
// code, and by the functions that stand at commit.
func (p *Pass) Taken(t *Tx, d *Delta, c *catalog.Column) Usage {
	if c == nil {
		u := p.UsesTable(d)
		u.Functions = p.functionsNaming(t, d.Before, "", nil)
		return u
	}
	u, after := p.UsesColumn(d, c), d.After
	if after != nil && after.Column(c.Name) != nil {
		after = nil // its own triggers find it
	}
	u.Functions = p.functionsNaming(t, d.Before, c.Name, after)
	return u
}

// functionsNaming lists the functions that name a relation or a column of it;
// after is the relation at commit, with its triggers.
func (p *Pass) functionsNaming(t *Tx, r *catalog.Relation, column string, after *catalog.Relation) []FunctionUse {
	if r.OID == 0 {
		return nil
	}
	b := p.bodies(t.After)
	var out []FunctionUse
	if after != nil {
		out = p.rowUses(b, after, column)
	}
	last := t.Migration.Txs[len(t.Migration.Txs)-1].After
	word := column
	if word == "" {
		word = r.Name.Name
	}
	for _, fn := range b.naming(word) {
		if slices.ContainsFunc(out, func(u FunctionUse) bool { return u.Function == fn }) {
			continue
		}
		use := FunctionUse{Function: fn, Names: "the table"}
		var ok bool
		if column == "" {
			use.Mention, ok = b.read(fn).Relation(t.Before, r)
			use.Error = `relation "` + r.Name.Name + `" does not exist`
			if !r.Kind.IsTable() {
				use.Names = "the " + r.Kind.String()
			}
		} else {
			use.Mention, ok = b.read(fn).Column(t.Before, r, column)
			use.Names, use.Error = "column "+column, `column "`+column+`" does not exist`
		}
		if ok {
			b.calledBy(p, &use, fn, nil)
			if use.By == "" && fn.Returns.Name.Name == "trigger" {
				continue // without a trigger nothing can call it
			}
			out = append(out, use)
		}
	}
	for i := range out {
		use := &out[i]
		use.Later = !standing(last, use.Function)
		if now := last.Relation(r.OID); use.Row != nil && now != nil {
			use.Later = use.Later || now.Trigger(use.Row.Name) == nil
		}
	}
	slices.SortStableFunc(out, func(x, y FunctionUse) int {
		return cmp.Or(cmp.Compare(y.severity(), x.severity()), cmp.Compare(x.Signature(), y.Signature()))
	})
	return out
}

// rowUses lists the functions of a table's own triggers that name a column as a
// field of NEW or OLD.
func (p *Pass) rowUses(b *bodies, r *catalog.Relation, column string) []FunctionUse {
	var out []FunctionUse
	for _, trigger := range r.Triggers {
		fn := RowFunction(b.catalog, trigger)
		if fn == nil || slices.ContainsFunc(out, func(u FunctionUse) bool { return u.Function == fn }) {
			continue
		}
		for _, f := range b.read(fn).Fields() {
			if f.Name != column {
				continue
			}
			use := RowUse(fn, r, trigger, f)
			use.Sure = !f.Maybe || !b.read(fn).ByTable()
			out = append(out, use)
			break
		}
	}
	return out
}

// RowUse is the use of a field of NEW or OLD by the function of a trigger.
func RowUse(fn *catalog.Function, r *catalog.Relation, t *catalog.Trigger, f catalog.Field) FunctionUse {
	return FunctionUse{
		Function: fn, Mention: f.Mention, Row: t, By: "trigger " + t.Name, Fires: fires(r, t),
		Names: upper(f.Record) + "." + f.Name, Error: `record "` + f.Record + `" has no field "` + f.Name + `"`,
	}
}

// RowFunction is the function of a trigger that sees rows as NEW and OLD, and
// whose body can be read; nil when there is none, and for a trigger that is off.
func RowFunction(c *catalog.Catalog, t *catalog.Trigger) *catalog.Function {
	if !t.Enabled || !t.Row || t.Parent {
		return nil
	}
	for _, fn := range c.Functions(t.Function.Schema, t.Function.Name) {
		if len(fn.Args) == 0 && fn.Language == "plpgsql" && fn.Body != "" {
			return fn
		}
	}
	return nil
}

// CopyingInto lists the other tables whose row triggers may copy whole rows into
// one, oldest first: see catalog.RowCopies.
func (p *Pass) CopyingInto(t *Tx, table *catalog.Relation) []*catalog.Relation {
	b := p.bodies(t.After)
	var out []*catalog.Relation
	for _, fn := range b.naming(table.Name.Name) {
		if !fn.CopiesRows() {
			continue
		}
		for _, r := range t.After.CalledBy(fn.Name.Name) {
			if r.OID != table.OID && !slices.Contains(out, r) && slices.ContainsFunc(r.Triggers, func(x *catalog.Trigger) bool { return RowFunction(t.After, x) == fn }) {
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, func(x, y *catalog.Relation) int { return cmp.Compare(x.OID, y.OID) })
	return out
}

// bodies are the bodies of the functions of a catalog. They are read when a rule
// asks for what names something, which few statements are about.
type bodies struct {
	catalog *catalog.Catalog
	// words are the functions whose bodies have a word, and known those that
	// it is made of: of this catalog and of those that were asked for before.
	words  map[string][]*catalog.Function
	known  map[*catalog.Function]bool
	cached map[*catalog.Function]*catalog.Body
}

// maxRead is how many bodies are kept read.
const maxRead = 500

// bodies gives the bodies of the functions of a catalog, the last one that was
// judged. Those that are deployed are looked at once, and then what the release
// makes: a catalog has many.
func (p *Pass) bodies(c *catalog.Catalog) *bodies {
	b := p.functions
	if b == nil {
		b = &bodies{words: map[string][]*catalog.Function{}, known: map[*catalog.Function]bool{}, cached: map[*catalog.Function]*catalog.Body{}}
		p.functions = b
		p.Release.Deployed.EachFunction(func(fn *catalog.Function) bool {
			b.add(fn)
			return true
		})
	}
	b.catalog = c
	for _, fn := range p.made {
		b.add(fn)
	}
	p.made = nil
	return b
}

// add takes in the words of a function.
func (b *bodies) add(fn *catalog.Function) {
	if b.known[fn] || fn.Body == "" || fn.Language != "sql" && fn.Language != "plpgsql" || fn.Name.Schema == "pg_temp" {
		return
	}
	b.known[fn] = true
	for _, w := range fn.Words() {
		if list := b.words[w]; len(list) == 0 || list[len(list)-1] != fn {
			b.words[w] = append(list, fn)
		}
	}
}

// makes notes the functions that a transaction makes or changes.
func (p *Pass) makes(t *Tx) {
	for i := range t.Deltas {
		switch d := &t.Deltas[i]; d.Kind {
		case catalog.FunctionCreated, catalog.FunctionReplaced, catalog.FunctionRenamed:
			p.made = append(p.made, d.NewFunction)
		}
	}
}

// naming lists the functions of the catalog whose bodies have a word.
func (b *bodies) naming(word string) []*catalog.Function {
	var out []*catalog.Function
	for _, fn := range b.words[word] {
		if standing(b.catalog, fn) {
			out = append(out, fn)
		}
	}
	return out
}

// standing reports whether a catalog has the function as it is.
func standing(c *catalog.Catalog, fn *catalog.Function) bool {
	return slices.ContainsFunc(c.Functions(fn.Name.Schema, fn.Name.Name), func(f *catalog.Function) bool {
		return f == fn || f.OID == fn.OID && f.Body == fn.Body
	})
}

// read is the body of a function of SQL or PL/pgSQL.
func (b *bodies) read(fn *catalog.Function) *catalog.Body {
	if body, ok := b.cached[fn]; ok {
		return body
	}
	if len(b.cached) >= maxRead {
		clear(b.cached)
	}
	body := catalog.ReadBody(fn)
	b.cached[fn] = body
	return body
}

// calledBy finds what calls a function, the surest first: a trigger, an
// expression of a table, a view, the deployed code, another function that is
// called. seen are those on the way here.
func (b *bodies) calledBy(p *Pass, use *FunctionUse, fn *catalog.Function, seen []*catalog.Function) {
	for _, r := range b.catalog.CalledBy(fn.Name.Name) {
		for _, t := range r.Triggers {
			if t.Enabled && t.Function == fn.Name {
				use.By, use.Fires = "trigger "+t.Name, fires(r, t)
				return
			}
		}
		if by := caller(r, fn.Name); by != "" {
			use.By = by
			return
		}
	}
	b.catalog.Relations(func(r *catalog.Relation) bool {
		for _, policy := range r.Policies {
			if calls(policy.Using, fn.Name.Name) || calls(policy.Check, fn.Name.Name) {
				use.By = "policy " + policy.Name + " of " + r.Name.String()
			}
		}
		return use.By == ""
	})
	if use.By != "" {
		return
	}
	switch u := p.UsesName(fn.Name); {
	case u.Used:
		use.By, use.Code = "the deployed code", u.Where()
		return
	case !u.Known:
		use.Unknown = true
	}
	for _, other := range b.naming(fn.Name.Name) {
		if other == fn || slices.Contains(seen, other) || len(seen) > 4 || !b.read(other).Calls(fn.Name.Name) {
			continue
		}
		via := *use
		if b.calledBy(p, &via, other, append(slices.Clip(seen), fn)); via.By != "" {
			use.By, use.Fires, use.Code = other.Signature(), via.Fires, via.Code
			return
		}
	}
}

// Stores is what of a relation holds the results of a function: "index people_key";
// "" for none. A generated column that is not stored is computed when it is read.
func Stores(r *catalog.Relation, fn catalog.Name) string {
	for _, c := range r.Columns {
		if c.Generated == "stored" && calls(c.GeneratedExpr, fn.Name) {
			return "column " + c.Name + " of " + r.Name.String()
		}
	}
	if r.Index != nil && (calls(r.Index.Predicate, fn.Name) || slices.ContainsFunc(r.Index.Keys, func(k catalog.IndexKey) bool { return calls(k.Expr, fn.Name) })) {
		return "index " + r.Name.Name
	}
	return ""
}

// caller is the expression or view of a relation that calls a function; "" when
// none does.
func caller(r *catalog.Relation, fn catalog.Name) string {
	if r.View != nil && slices.Contains(r.View.Functions, fn) {
		return r.Kind.String() + " " + r.Name.String()
	}
	for _, c := range r.Columns {
		if calls(c.Default, fn.Name) {
			return "the default of " + r.Name.String() + "." + c.Name
		}
		if calls(c.GeneratedExpr, fn.Name) {
			return "the generated column " + r.Name.String() + "." + c.Name
		}
	}
	for _, c := range r.Constraints {
		if calls(c.Expr, fn.Name) {
			return "constraint " + c.Name + " of " + r.Name.String()
		}
	}
	if r.Index != nil && (calls(r.Index.Predicate, fn.Name) || slices.ContainsFunc(r.Index.Keys, func(k catalog.IndexKey) bool { return calls(k.Expr, fn.Name) })) {
		return "index " + r.Name.String()
	}
	return ""
}

func calls(expr *pgparse.Node, name string) bool {
	found := false
	pgparse.Walk(expr, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok && len(call.GetFuncname()) > 0 {
			found = found || call.GetFuncname()[len(call.GetFuncname())-1].GetString_().GetSval() == name
		}
		return !found
	})
	return found
}

// unchecked is the first statement of a migration that sets check_function_bodies.
type unchecked struct{ by *Stmt }

// ReadsBodies reports whether the server looks into the bodies of functions when
// a statement runs, which pg_dump's files keep it from.
func (s *Stmt) ReadsBodies() bool {
	m := s.Migration
	first := Once(&m.Notes, func() unchecked {
		for _, o := range Of[*pgparse.Node_VariableSetStmt](m) {
			if o.Node.GetVariableSetStmt().GetName() == "check_function_bodies" {
				return unchecked{o}
			}
		}
		return unchecked{}
	}).by
	return first == nil || first.Index >= s.Index
}
