package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// schemaArgs are the arguments of schema.
type schemaArgs struct {
	releaseArgs
	Tables []string `json:"tables,omitempty" jsonschema:"names of tables, views or sequences, with their schema if it is not public"`
	At     string   `json:"at,omitempty" jsonschema:"base: the deployed schema; head: after the release (default)"`
}

// schemaAnswer is the answer of schema.
type schemaAnswer struct {
	At     string          `json:"at"`
	Tables []relationShape `json:"tables,omitempty"`
	// Unknown are names that the migrations do not create.
	Unknown []string `json:"unknown,omitempty"`
	// Relations lists all relations if no table was named.
	Relations []string `json:"relations,omitempty"`
	// Opaque is what could not be read, so that the schema may lack something.
	Opaque []onward.Opaque `json:"opaque,omitempty"`
}

// relationShape is a relation in the words of the changelog.
type relationShape struct {
	Relation    string   `json:"relation"`
	Kind        string   `json:"kind"`
	Columns     []string `json:"columns,omitempty"`
	Constraints []string `json:"constraints,omitempty"`
	Indexes     []string `json:"indexes,omitempty"`
	// Partial: no migration was seen to create it, so there may be more.
	Partial bool `json:"partial,omitempty"`
}

const (
	atBase = "base"
	atHead = "head"
)

// showSchema is the tool schema.
func (s *server) showSchema(ctx context.Context, in schemaArgs) (*answer, error) {
	if !slices.Contains([]string{"", atBase, atHead}, in.At) {
		return nil, fmt.Errorf("at %q is not one of %s, %s", in.At, atBase, atHead)
	}
	c, err := s.newConfig(&in.releaseArgs)
	if err != nil {
		return nil, err
	}
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer release.Close()
	versions := c.Settings.Versions()
	r, base, head, err := release.Schemas(versions[len(versions)-1])
	if err != nil {
		return nil, err
	}
	out, schema := schemaAnswer{At: atHead, Opaque: r.Opaque}, head
	if in.At == atBase {
		out.At, schema = atBase, base
	}
	if schema == nil {
		return nil, fmt.Errorf("there is no schema at the %s: no migration was read", out.At)
	}
	out.addRelations(schema, in.Tables)
	return newAnswer(
		func(w io.Writer) error {
			_, err := io.WriteString(w, out.formatText()+s.describeUnread(out.Opaque))
			return err
		},
		func(w io.Writer) error { return machine.WriteJSON(w, out) })
}

// addRelations adds relations of a schema.
func (a *schemaAnswer) addRelations(schema *audit.Catalog, names []string) {
	if len(names) == 0 {
		schema.EachRelation(func(r *catalog.Relation) bool {
			if r.Index == nil {
				a.Relations = append(a.Relations, r.Kind.String()+" "+fullName(r))
			}
			return true
		})
		slices.Sort(a.Relations)
	}
	for _, name := range names {
		r := schema.Lookup(query.SplitName(name))
		if r == nil {
			a.Unknown = append(a.Unknown, name)
			continue
		}
		d := schema.DescribeRelation(r)
		a.Tables = append(a.Tables, relationShape{
			Relation: fullName(r), Kind: r.Kind.String(), Columns: d.Columns, Constraints: d.Constraints, Indexes: d.Indexes,
			Partial: r.Inferred || r.Partial,
		})
	}
}

// fullName returns a relation's name with its schema, as reports have it.
func fullName(r *catalog.Relation) string { return r.Name.Schema + "." + r.Name.Name }

// formatText returns the answer for people.
func (a *schemaAnswer) formatText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the schema at the %s, from the migrations\n", a.At)
	for _, r := range a.Relations {
		fmt.Fprintln(&b, "  "+escape.Line(r))
	}
	for i := range a.Tables {
		t := &a.Tables[i]
		fmt.Fprintf(&b, "%s %s\n", t.Kind, escape.Line(t.Relation))
		for _, list := range [][]string{t.Columns, t.Constraints} {
			for _, part := range list {
				fmt.Fprintln(&b, "  "+escape.Line(part))
			}
		}
		for _, x := range t.Indexes {
			fmt.Fprintln(&b, "  index "+escape.Line(x))
		}
		if t.Partial {
			fmt.Fprintln(&b, "  (not all of it is known: no migration was seen to create it)")
		}
	}
	for _, name := range a.Unknown {
		fmt.Fprintf(&b, "%s: no migration creates it\n", escape.Line(name))
	}
	return b.String()
}

// verifyArgs are the arguments of verify.
type verifyArgs struct {
	releaseArgs
	SQL          string   `json:"sql,omitempty" jsonschema:"queries of the code, to look up in both schemas"`
	Workload     []string `json:"workload,omitempty" jsonschema:"recordings of what the deployed code sends, from onward record"`
	WorkloadHead []string `json:"workload_head,omitempty" jsonschema:"recordings of what the new code sends"`
}

// verifyQueries is the tool verify.
func (s *server) verifyQueries(ctx context.Context, in verifyArgs) (*answer, error) {
	recorded := len(in.Workload)+len(in.WorkloadHead) > 0
	if recorded == (in.SQL != "") {
		return nil, errors.New("give sql, or recordings in workload and workload_head, and not both")
	}
	if err := checkSQL(in.SQL); err != nil {
		return nil, err
	}
	c, err := s.newConfig(&in.releaseArgs)
	if err != nil {
		return nil, err
	}
	if recorded {
		return s.verifyRecordings(ctx, c, &in)
	}
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer release.Close()
	list, unread, err := release.BindQueries(in.SQL)
	if err != nil {
		return nil, err
	}
	return newAnswer(
		func(w io.Writer) error {
			_, err := io.WriteString(w, formatBoundQueries(list)+s.describeUnread(unread))
			return err
		},
		func(w io.Writer) error {
			return machine.WriteJSON(w, struct {
				Queries []onward.BoundQuery `json:"queries"`
				Opaque  []onward.Opaque     `json:"opaque,omitempty"`
			}{list, unread})
		})
}

// formatBoundQueries returns what two schemas say about queries.
func formatBoundQueries(list []onward.BoundQuery) string {
	var b strings.Builder
	for i := range list {
		q := &list[i]
		fmt.Fprintf(&b, "%s\n", escape.Line(strings.Join(strings.Fields(q.SQL), " ")))
		for _, side := range []struct {
			name string
			on   *onward.Binding
		}{{"deployed schema", &q.Base}, {"after the release", &q.Head}} {
			for _, line := range describeBinding(side.on) {
				fmt.Fprintf(&b, "  %s: %s\n", side.name, escape.Line(line))
			}
		}
	}
	b.WriteString("static: names were looked up in the schemas of the migrations, and no server was asked. Types of expressions are mostly not checked.\n")
	return b.String()
}

func describeBinding(b *onward.Binding) []string {
	var out []string
	for _, r := range b.Refused {
		out = append(out, "refused: "+r.Message)
	}
	if b.Note != "" {
		out = append(out, b.Note)
	}
	if len(b.Unknown) > 0 {
		out = append(out, "not checked, because no migration creates it: "+strings.Join(b.Unknown, ", "))
	}
	if len(out) == 0 {
		out = append(out, "all names are known")
	}
	return out
}

// verifyRecordings asks a throwaway server about recorded queries.
func (s *server) verifyRecordings(ctx context.Context, c audit.Config, in *verifyArgs) (*answer, error) {
	whole := verify.Config{Config: rehearse.Config{Config: c, Limit: s.Limit}}
	if in.PG != "" {
		whole.Majors = c.Settings.Postgres
	}
	for _, side := range []struct {
		paths []string
		to    *[]*verify.Workload
	}{{in.Workload, &whole.Old}, {in.WorkloadHead, &whole.New}} {
		paths, err := s.resolvePaths(side.paths)
		if err != nil {
			return nil, err
		}
		for i := range paths {
			paths[i] = s.absolutePath(paths[i])
		}
		if *side.to, err = audit.ReadWorkloads(paths); err != nil {
			return nil, err
		}
	}
	r, err := verify.Run(ctx, whole)
	if err != nil {
		return nil, err
	}
	return s.newReportAnswer(r, report.Options{})
}
