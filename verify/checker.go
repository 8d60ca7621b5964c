package verify

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// moment is what is known at a point.
type moment struct {
	rehearse.Point
	schema    *schema
	relations map[uint32]*relation
	kinds     map[uint32]*kind
	asked     int
}

// checker follows a release from point to point.
type checker struct {
	queries []*recorded
	// big are the tables, by schema.name, for which it matters whether an index is used.
	big     map[string]bool
	moments []*moment
	byName  map[string][]*recorded
	// byRelation and byType grow with what the server answers.
	byRelation, byType map[uint32][]*recorded
	late               int
	log                *slog.Logger
	migrations         []onward.Migration
}

// visit asks at a point what may have changed since the one before.
func (c *checker) visit(ctx context.Context, p rehearse.Point) error {
	if p.Base {
		return c.base(ctx, p)
	}
	begun := time.Now()
	before := c.moments[len(c.moments)-1]
	now, err := readSchema(ctx, p.Conn, before.schema)
	if err != nil {
		return err
	}
	read := time.Since(begun)
	m := &moment{Point: p, schema: now, relations: before.relations, kinds: before.kinds}
	m.Conn = nil
	changed := now.since(before.schema)
	if len(changed.types) > 0 {
		for oid, r := range before.relations {
			if slices.ContainsFunc(r.Columns, func(c column) bool { return changed.types[c.TypeOID] }) {
				changed.relations[oid] = true
				changed.names[r.Name] = true
			}
		}
	}
	if len(changed.relations) > 0 {
		if m.relations, err = renewed(ctx, p.Conn, before.relations, changed.relations, readRelations); err != nil {
			return err
		}
	}
	if len(changed.types) > 0 {
		if m.kinds, err = renewed(ctx, p.Conn, before.kinds, changed.types, readKinds); err != nil {
			return err
		}
	}
	c.moments = append(c.moments, m)
	touched := c.touched(changed)
	m.asked = len(touched)
	err = c.ask(ctx, p, m, touched)
	c.log.Debug("commit point", "path", p.Path, "line", p.Line, "schema", read, "all", time.Since(begun), "asked", m.asked)
	return err
}

// renewed is a map with the objects of a list as they are now.
func renewed[T any](ctx context.Context, conn *pgx.Conn, before map[uint32]T, changed map[uint32]bool, read func(context.Context, *pgx.Conn, []uint32) (map[uint32]T, error)) (map[uint32]T, error) {
	list := slices.Sorted(maps.Keys(changed))
	found, err := read(ctx, conn, list)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(before)
	for _, oid := range list {
		delete(out, oid)
	}
	maps.Copy(out, found)
	return out, nil
}

// base asks for all queries, and learns what they use.
func (c *checker) base(ctx context.Context, p rehearse.Point) error {
	c.byName, c.byRelation, c.byType = map[string][]*recorded{}, map[uint32][]*recorded{}, map[uint32][]*recorded{}
	for _, q := range c.queries {
		q.relations, q.types, q.states, q.asked = map[uint32]string{}, map[uint32]bool{}, nil, false
		for name := range q.names {
			c.byName[name] = append(c.byName[name], q)
		}
	}
	m := &moment{Point: p, asked: len(c.queries)}
	m.Conn = nil
	c.moments, c.late = []*moment{m}, 0
	var err error
	if m.schema, err = readSchema(ctx, p.Conn, nil); err != nil {
		return err
	}
	if m.relations, err = readRelations(ctx, p.Conn, slices.Sorted(maps.Keys(m.schema.relations))); err != nil {
		return err
	}
	var types []uint32
	for oid, t := range m.schema.types {
		if t.hash != "" {
			types = append(types, oid)
		}
	}
	if m.kinds, err = readKinds(ctx, p.Conn, types); err != nil {
		return err
	}
	return c.ask(ctx, p, m, c.queries)
}

// touched are the queries that may feel what changed.
func (c *checker) touched(changed *changes) []*recorded {
	if changed.all {
		for _, q := range c.queries {
			q.asked = true
		}
		return c.queries
	}
	set := map[*recorded]bool{}
	add := func(list []*recorded) {
		for _, q := range list {
			set[q] = true
		}
	}
	for oid := range changed.relations {
		add(c.byRelation[oid])
	}
	for oid := range changed.types {
		add(c.byType[oid])
	}
	for name := range changed.names {
		add(c.byName[name])
	}
	var out []*recorded
	for _, q := range c.queries { // in their order
		if set[q] {
			q.asked = true
			out = append(out, q)
		}
	}
	return out
}

// ask asks, and keeps what the server says.
func (c *checker) ask(ctx context.Context, p rehearse.Point, m *moment, list []*recorded) error {
	a := &asker{point: p, schema: m.schema}
	for full := range c.big {
		for _, o := range m.schema.relations {
			if o.schema+"."+o.name == full {
				a.big = append(a.big, o.name)
			}
		}
	}
	if err := a.defaultPath(ctx, list); err != nil {
		return err
	}
	at := len(c.moments) - 1
	var again []*recorded
	keep := func(q *recorded, x answer) {
		if at == 0 && x.refused != nil && x.step > 0 && x.refused.Code != "42501" && x.refused.Code != "42P10" && q.plans {
			q.plans = false // it is no statement to be planned like this
			again = append(again, q)
			return
		}
		c.keep(q, state{at, x})
	}
	if err := a.ask(ctx, list, keep); err != nil {
		return err
	}
	return a.ask(ctx, again, keep)
}

// keep notes an answer, and what the query uses.
func (c *checker) keep(q *recorded, s state) {
	if s.late {
		c.late++
		return
	}
	q.states = append(q.states, s)
	for oid, mode := range s.relations {
		if _, known := q.relations[oid]; !known {
			c.byRelation[oid] = append(c.byRelation[oid], q)
		}
		q.relations[oid] = stronger(q.relations[oid], mode)
	}
	for _, f := range s.columns {
		c.uses(q, f.oid)
	}
	for _, oid := range s.params {
		c.uses(q, oid)
	}
}

func (c *checker) uses(q *recorded, oid uint32) {
	if !q.types[oid] {
		q.types[oid] = true
		c.byType[oid] = append(c.byType[oid], q)
	}
}
