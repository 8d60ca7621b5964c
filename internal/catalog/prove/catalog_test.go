package prove

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

var relkinds = map[catalog.Kind]string{
	catalog.Table: "r", catalog.PartitionedTable: "p", catalog.Index: "i", catalog.PartitionedIndex: "I", catalog.View: "v",
	catalog.MaterializedView: "m", catalog.Sequence: "S", catalog.ForeignTable: "f", catalog.CompositeType: "c",
}

var contypes = map[catalog.ConstraintKind]string{
	catalog.Check: "c", catalog.ForeignKey: "f", catalog.Unique: "u", catalog.PrimaryKey: "p", catalog.Exclude: "x",
}

var actions = map[string]string{"": "a", "cascade": "c", "set null": "n", "set default": "d", "restrict": "r"}

// fromCatalog gives the facts of a catalog.
func fromCatalog(c *catalog.Catalog) facts {
	var out facts
	say := func(format string, args ...any) {
		out = append(out, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
	c.EachRelation(func(r *catalog.Relation) bool {
		if r.Name.Schema != "pg_temp" {
			relation(c, r, say)
		}
		return true
	})
	c.EachType(func(t *catalog.UserType) bool {
		userType(t, say)
		return true
	})
	c.EachFunction(func(f *catalog.Function) bool {
		args := make([]string, len(f.Args))
		for i, a := range f.Args {
			a.Mods = nil
			args[i] = typeName(a)
		}
		kind := f.Kind[:1]
		if f.Window {
			kind = "w"
		}
		say("function %s %s%s %s", name(f.Name), kind, f.Volatility[:1], strings.Join(args, ","))
		return true
	})
	c.EachObject("schema", func(o *catalog.Object) bool { say("schema %s", o.Name.Name); return true })
	c.EachObject("publication", func(o *catalog.Object) bool {
		say("publication %s%s", o.Name.Name, flag(o.AllTables, " all"))
		for _, t := range o.Tables {
			say("published %s %s", o.Name.Name, name(c.Relation(t).Name))
		}
		return true
	})
	c.EachObject("statistics object", func(o *catalog.Object) bool {
		say("statistics %s %s", name(o.Name), name(c.Relation(o.Table).Name))
		return true
	})
	sort.Strings(out)
	return out
}

// name is the name without the schema public, unquoted.
func name(n catalog.Name) string { return strings.ReplaceAll(n.String(), `"`, "") }

func flag(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

func typeName(t catalog.Type) string {
	if t.Array > 1 {
		t.Array = 1
	}
	s := t.String()
	if base, mods, ok := strings.Cut(s, "("); ok {
		// format_type puts the modifier of times after the first word.
		mods, rest, _ := strings.Cut(mods, ")")
		switch base {
		case "timestamptz":
			return "timestamp(" + mods + ") with time zone" + rest
		case "timetz":
			return "time(" + mods + ") with time zone" + rest
		case "timestamp", "time":
			return base + "(" + mods + ") without time zone" + rest
		case "numeric":
			if !strings.Contains(mods, ",") {
				return "numeric(" + mods + ",0)" + rest
			}
		}
		return s
	}
	base := strings.TrimRight(s, "[]")
	rest := s[len(base):]
	switch base {
	case "timestamptz":
		return "timestamp with time zone" + rest
	case "timetz":
		return "time with time zone" + rest
	}
	if t.Name == (catalog.Name{Schema: "pg_catalog", Name: "char"}) {
		return "char_" + rest
	}
	return s
}

func relation(c *catalog.Catalog, r *catalog.Relation, say func(string, ...any)) {
	identity := ""
	if r.ReplicaIdentity != "" {
		identity = " " + strings.Fields(r.ReplicaIdentity)[0]
	}
	say("relation %s %s%s%s%s%s", name(r.Name), relkinds[r.Kind], map[catalog.Persistence]string{0: "p", 1: "u", 2: "t"}[r.Persistence],
		flag(r.RLS, " rls"), flag(r.ForceRLS, " force"), identity)
	for _, col := range r.Columns {
		say("column %s.%s %s%s%s%s%s%s", name(r.Name), col.Name, typeName(col.Type), flag(col.NotNull, " not null"),
			flag(col.Default != nil, " default"), flag(col.Identity != "", " identity "+col.Identity), flag(col.Generated != "", " generated "+col.Generated),
			flag(col.Inherited, " inherited"+flag(col.Local, " local")))
		if s := c.Relation(col.Sequence); s != nil {
			say("owned %s by %s.%s", name(s.Name), name(r.Name), col.Name)
		}
	}
	for _, k := range r.Constraints {
		constraint(c, r, k, say)
	}
	for _, p := range append(append([]catalog.OID(nil), r.Partitions...), r.Children...) {
		if child := c.Relation(p); child != nil && r.Index == nil {
			say("child %s of %s%s", name(child.Name), name(r.Name), flag(child.Parent == r.OID, " partition"))
		}
	}
	if d := c.Relation(r.Default); d != nil {
		say("default partition of %s %s", name(r.Name), name(d.Name))
	}
	for _, t := range r.Triggers {
		say("trigger %s %s %s%s", name(r.Name), t.Name, t.Function.Name, flag(!t.Enabled, " disabled"))
	}
	for _, p := range r.Policies {
		say("policy %s %s", name(r.Name), p.Name)
	}
	for _, u := range r.Rules {
		say("rule %s %s", name(r.Name), u.Name)
	}
	if r.Seq != nil {
		say("sequence %s %s", name(r.Name), typeName(catalog.Type{Name: catalog.Name{Schema: "pg_catalog", Name: r.Seq.Type}}))
	}
	if r.Index != nil {
		index(c, r, say)
	}
	if r.View != nil {
		for oid, attnums := range r.View.Columns {
			t := c.Relation(oid)
			for _, a := range attnums {
				if col := t.Attr(a); col != nil {
					say("reads %s %s.%s", name(r.Name), name(t.Name), col.Name)
				}
			}
		}
	}
}

func columns(r *catalog.Relation, attnums []int16) string {
	names := make([]string, 0, len(attnums))
	for _, a := range attnums {
		if c := r.Attr(a); c != nil {
			names = append(names, c.Name)
		}
	}
	sort.Strings(names)
	return strings.Join(names, ",")
}

func constraint(c *catalog.Catalog, r *catalog.Relation, k *catalog.Constraint, say func(string, ...any)) {
	if contypes[k.Kind] == "" {
		return
	}
	ref, act := "", ""
	if t := c.Relation(k.Ref); t != nil {
		ref = " -> " + name(t.Name) + " (" + columns(t, k.RefColumns) + ")"
		act = " " + actions[k.OnDelete] + actions[k.OnUpdate] + flag(k.MatchFull, " full") + flag(k.SetColumns != nil, " sets "+columns(r, k.SetColumns))
	}
	say("constraint %s %s %s (%s)%s%s%s%s%s%s%s", name(r.Name), k.Name, contypes[k.Kind], columns(r, k.Columns), ref,
		flag(!k.Valid, " not valid"), flag(k.Deferrable, " deferrable"), flag(k.InitiallyDeferred, " deferred"), flag(k.Parent, " inherited"),
		flag(k.NoInherit, " no inherit"), act)
}

func index(c *catalog.Catalog, r *catalog.Relation, say func(string, ...any)) {
	i := r.Index
	t := c.Relation(i.Table)
	if t == nil {
		say("index %s of no table", name(r.Name))
		return
	}
	var keys []string
	order := ""
	for _, k := range i.Keys {
		order += " " + strconv.Itoa(map[bool]int{true: 1}[k.Desc]+map[bool]int{true: 2}[k.NullsFirst])
		if col := t.Attr(k.Column); k.Column != 0 && col != nil {
			keys = append(keys, col.Name)
		} else {
			keys = append(keys, "expr")
		}
	}
	for _, a := range i.Include {
		if col := t.Attr(a); col != nil {
			keys = append(keys, col.Name)
		} else {
			keys = append(keys, "?")
		}
	}
	part := ""
	if p := c.Relation(i.Parent); p != nil {
		part = " part of " + p.Name.Name
	}
	say("index %s on %s (%s)%s %s%s%s%s%s%s%s", name(r.Name), t.Name.Name, strings.Join(keys, ","), order, i.Method, flag(i.Unique, " unique"),
		flag(i.Primary, " primary"), flag(!i.Valid, " invalid"), flag(i.Predicate != nil, " partial"), flag(i.Clustered, " clustered"), part)
}

func userType(t *catalog.UserType, say func(string, ...any)) {
	letter := map[catalog.TypeKind]string{catalog.Enum: "e", catalog.Domain: "d", catalog.Composite: "c", catalog.Range: "r", catalog.Base: "b"}[t.Kind]
	labels := flag(len(t.Labels) > 0, " ("+strings.Join(t.Labels, ",")+")")
	base := ""
	if t.Kind == catalog.Domain {
		base = " " + typeName(t.Base) + flag(t.NotNull, " not null")
	}
	say("type %s %s%s%s", name(t.Name), letter, labels, base)
	for _, k := range t.Checks {
		say("domain check %s %s%s", name(t.Name), k.Name, flag(!k.Valid, " not valid"))
	}
}
