package catalog

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// String is the catalog as text, the same for the same schema: relations,
// types, functions and objects by name. For tests and people.
func (c *Catalog) String() string {
	var b strings.Builder
	var list []*Relation
	c.EachRelation(func(r *Relation) bool {
		if r.Index == nil || c.Relation(r.Index.Table) == nil {
			list = append(list, r)
		}
		return true
	})
	slices.SortFunc(list, func(x, y *Relation) int { return compareNames(x.Name, y.Name) })
	for _, r := range list {
		c.printRelation(&b, r)
	}
	c.printTypes(&b)
	c.printFunctions(&b)
	c.printObjects(&b)
	for n := c.Unmodelled; n != nil; n = n.Next {
		fmt.Fprintf(&b, "not modelled: %s\n", n.Text)
	}
	return b.String()
}

func (c *Catalog) printRelation(b *strings.Builder, r *Relation) {
	fmt.Fprintf(b, "%s %s", r.Kind, r.Name)
	if flags := c.relationFlags(r); len(flags) > 0 {
		b.WriteString(": " + strings.Join(flags, ", "))
	}
	b.WriteByte('\n')
	for _, col := range r.Columns {
		b.WriteString("  " + c.columnLine(col) + "\n")
	}
	for _, k := range r.Constraints {
		b.WriteString("  " + c.constraintLine(r, k) + "\n")
	}
	for _, oid := range r.Indexes {
		if i := c.Relation(oid); i != nil {
			b.WriteString("  " + c.indexLine(r, i) + "\n")
		}
	}
	c.printAttachedObjects(b, r)
}

// relationFlags are the words for what a relation is beside its kind and name.
func (c *Catalog) relationFlags(r *Relation) []string {
	var flags []string
	note := func(condition bool, text string) {
		if condition {
			flags = append(flags, text)
		}
	}
	note(r.Inferred, "inferred")
	note(r.Partial, "partial")
	note(r.Persistence == Temporary, "temporary")
	note(r.Persistence == Unlogged, "unlogged")
	note(r.Manager != Unmanaged, r.Manager.String())
	note(r.RLS, "row security")
	note(r.ForceRLS, "forced row security")
	note(r.ReplicaIdentity != "", "replica identity "+r.ReplicaIdentity)
	note(r.AccessMethod != "", "using "+r.AccessMethod)
	note(r.Tablespace != "", "tablespace "+r.Tablespace)
	note(r.Owner != "", "owner "+r.Owner)
	note(r.Extension != "", "member of "+r.Extension)
	note(r.Comment != "", "comment")
	if r.Seq != nil {
		note(r.Seq.Type != "", r.Seq.Type)
		if t := c.Relation(r.Seq.OwnerTable); t != nil {
			note(true, "owned by "+t.Name.String()+"."+strings.Join(t.ColumnNames([]int16{r.Seq.OwnerColumn}), ""))
		}
	}
	if len(r.Options) > 0 {
		keys := make([]string, 0, len(r.Options))
		for k, v := range r.Options {
			keys = append(keys, k+"="+v)
		}
		sort.Strings(keys)
		note(true, "with "+strings.Join(keys, " "))
	}
	if r.Strategy != "" {
		parts := []string{}
		for _, k := range r.PartitionKey {
			parts = append(parts, c.formatIndexKey(r, k))
		}
		note(true, "partitioned by "+r.Strategy+" ("+strings.Join(parts, ", ")+")")
	}
	if p := c.Relation(r.Parent); p != nil {
		note(true, "partition of "+p.Name.String()+" "+r.Bound)
	}
	note(len(r.Inherits) > 0, "inherits "+c.relationNames(r.Inherits))
	note(len(r.Dependents) > 0, "read by "+c.relationNames(r.Dependents))
	return flags
}

func (c *Catalog) relationNames(oids []OID) string {
	var names []string
	for _, oid := range oids {
		if r := c.Relation(oid); r != nil {
			names = append(names, r.Name.String())
		} else {
			names = append(names, "?")
		}
	}
	return strings.Join(names, ", ")
}

func (c *Catalog) columnLine(col *Column) string {
	line := col.Name
	if col.Type.IsKnown() {
		line += " " + col.Type.String()
	}
	add := func(condition bool, text string) {
		if condition {
			line += ", " + text
		}
	}
	add(col.Inferred, "inferred")
	add(col.NotNull && !col.NotNullInvalid, "not null")
	add(col.NotNullInvalid, "not null not valid")
	add(col.Default != nil, "default "+shortenText(col.DefaultText))
	add(col.Identity != "", "identity "+col.Identity)
	add(col.Generated != "", "generated "+col.Generated+" ("+shortenText(col.DefaultText)+")")
	if s := c.Relation(col.Sequence); s != nil {
		add(true, "sequence "+s.Name.String())
	}
	add(col.Collation != "", "collation "+col.Collation)
	add(col.Storage != "", "storage "+col.Storage)
	add(col.Compression != "", "compression "+col.Compression)
	add(col.Inherited && !col.Local, "inherited")
	add(col.Inherited && col.Local, "inherited and local")
	add(col.Comment != "", "comment")
	return line
}

func (c *Catalog) constraintLine(r *Relation, k *Constraint) string {
	line := k.Kind.String() + " " + k.Name
	if k.Kind == Check {
		line += " (" + shortenText(k.ExprText) + ")"
	} else {
		line += " (" + strings.Join(r.ColumnNames(k.Columns), ", ") + ")"
	}
	if ref := c.Relation(k.Ref); ref != nil {
		line += " → " + ref.Name.String() + " (" + strings.Join(ref.ColumnNames(k.RefColumns), ", ") + ")"
	}
	add := func(condition bool, text string) {
		if condition {
			line += ", " + text
		}
	}
	add(k.MatchFull, "match full")
	add(k.OnDelete != "", "on delete "+k.OnDelete)
	add(k.SetColumns != nil, "of ("+strings.Join(r.ColumnNames(k.SetColumns), ", ")+")")
	add(k.OnUpdate != "", "on update "+k.OnUpdate)
	add(!k.Enforced, "not enforced")
	add(k.Enforced && !k.Valid, "not valid")
	add(k.NoInherit, "no inherit")
	add(k.Deferrable, "deferrable")
	add(k.InitiallyDeferred, "initially deferred")
	add(k.Parent, "inherited")
	return line
}

func (c *Catalog) formatIndexKey(r *Relation, k IndexKey) string {
	if k.Column != 0 {
		return strings.Join(r.ColumnNames([]int16{k.Column}), "")
	}
	return shortenText(k.ExprText)
}

func (c *Catalog) indexLine(r, idx *Relation) string {
	i := idx.Index
	line := idx.Kind.String() + " " + idx.Name.Name
	if idx.Name.Schema != r.Name.Schema {
		line = idx.Kind.String() + " " + idx.Name.Qualified()
	}
	if i.Unique {
		line = "unique " + line
	}
	line += " (" + indexKeyText(i, r) + ")"
	add := func(condition bool, text string) {
		if condition {
			line += ", " + text
		}
	}
	add(i.Method != "btree" && i.Method != "", "using "+i.Method)
	add(len(i.Include) > 0, "include ("+strings.Join(r.ColumnNames(i.Include), ", ")+")")
	add(i.PredicateText != "", "where "+shortenText(i.PredicateText))
	add(i.Constraint != "", "constraint")
	add(!i.Valid, "not valid")
	add(i.Clustered, "clustered")
	if p := c.Relation(i.Parent); p != nil {
		add(true, "part of "+p.Name.String())
	}
	return line
}

// printAttachedObjects prints triggers, policies, rules, statistics, privileges and
// what a view reads.
func (c *Catalog) printAttachedObjects(b *strings.Builder, r *Relation) {
	for _, t := range r.Triggers {
		fmt.Fprintf(b, "  trigger %s %s %s → %s", t.Name, t.Timing, t.Events, t.Function)
		if !t.Enabled {
			b.WriteString(", disabled")
		}
		if t.Parent {
			b.WriteString(", inherited")
		}
		if t.Inferred {
			b.WriteString(", inferred")
		}
		b.WriteByte('\n')
	}
	for _, p := range r.Policies {
		fmt.Fprintf(b, "  policy %s for %s\n", p.Name, p.Command)
	}
	for _, u := range r.Rules {
		fmt.Fprintf(b, "  rule %s\n", u.Name)
	}
	for _, s := range r.Statistics {
		fmt.Fprintf(b, "  statistics %s\n", s)
	}
	for _, g := range r.Grants {
		fmt.Fprintf(b, "  grant %s to %s\n", g.Privilege, g.Role)
	}
	if r.View == nil {
		return
	}
	for _, oid := range r.View.Reads {
		t := c.Relation(oid)
		if t == nil {
			continue
		}
		fmt.Fprintf(b, "  reads %s (%s)", t.Name, strings.Join(t.ColumnNames(r.View.Columns[oid]), ", "))
		if r.View.Star {
			b.WriteString(" *")
		}
		b.WriteByte('\n')
	}
	for _, f := range r.View.Functions {
		fmt.Fprintf(b, "  calls %s\n", f)
	}
}

func (c *Catalog) printTypes(b *strings.Builder) {
	var list []*UserType
	for _, t := range c.types.all() {
		list = append(list, t)
	}
	slices.SortFunc(list, func(x, y *UserType) int { return compareNames(x.Name, y.Name) })
	for _, t := range list {
		fmt.Fprintf(b, "%s %s", typeKinds[t.Kind], t.Name)
		if t.Inferred {
			b.WriteString(": inferred")
		}
		if len(t.Labels) > 0 {
			fmt.Fprintf(b, " (%s)", strings.Join(t.Labels, ", "))
		}
		if t.Base.IsKnown() {
			fmt.Fprintf(b, " over %s", t.Base)
		}
		if t.NotNull {
			b.WriteString(", not null")
		}
		b.WriteByte('\n')
		for _, k := range t.Checks {
			b.WriteString("  " + c.constraintLine(StandIn(Name{}, 0, false), k) + "\n")
		}
	}
}

func (c *Catalog) printFunctions(b *strings.Builder) {
	var lines []string
	for _, list := range c.functions.all() {
		for _, f := range list {
			line := f.Kind + " " + f.Signature()
			if f.Returns.IsKnown() {
				line += " → " + f.Returns.String()
			}
			line += ", " + f.Volatility
			if f.Closed {
				line += ", not for public"
			}
			for _, g := range f.Grants {
				line += ", " + g.Privilege + " to " + g.Role
			}
			lines = append(lines, line)
		}
	}
	sort.Strings(lines)
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
}

func (c *Catalog) printObjects(b *strings.Builder) {
	var lines []string
	for _, o := range c.objects.all() {
		line := o.Kind + " " + o.Name.String()
		if len(o.Tables) > 0 {
			line += " (" + c.relationNames(o.Tables) + ")"
		}
		for _, g := range o.Grants {
			line += ", " + g.Privilege + " to " + g.Role
		}
		lines = append(lines, line)
	}
	sort.Strings(lines)
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
}
