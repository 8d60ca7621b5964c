package verify

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// moment is what is known at a point.
type moment struct {
	rehearse.Point
	schema     *schema
	relations  map[uint32]*relation
	valueTypes map[uint32]*valueType
	// usableSequences are the sequences that recorded roles may take numbers from.
	usableSequences map[string]map[uint32]bool
	asked           int // how many queries were asked about at it
}

// checker follows a release from point to point.
type checker struct {
	queries []*recordedQuery
	// versions are the versions of the code; counts has the counts of their queries.
	versions []onward.Code
	counts   map[onward.Code]*onward.Verified
	// big are the tables, by schema.name, for which it matters whether an index is used.
	big     map[string]bool
	moments []*moment
	byName  map[string][]*recordedQuery
	// byRelation and byType grow with what the server answers.
	byRelation, byType map[uint32][]*recordedQuery
	// deployed are the deployed code's queries by their text; sameCode: the new code sends the same ones.
	deployed map[string]*recordedQuery
	sameCode bool
	// folds are from the recordings.
	folds      []workload.Fold
	late       int  // how many questions the server did not answer in time
	stopped    bool // the release ended at an error
	notJudged  []onward.NotJudged
	log        *slog.Logger
	migrations []onward.Migration
	replays    *replayer // nil if nothing was replayed
}

// visitPoint asks at a point what may have changed since the one before.
func (c *checker) visitPoint(ctx context.Context, p rehearse.Point) error {
	if p.Base {
		return c.visitBase(ctx, p)
	}
	start := time.Now()
	before := c.moments[len(c.moments)-1]
	now, err := readSchema(ctx, p.Conn, before.schema)
	if err != nil {
		return err
	}
	read := time.Since(start)
	m := &moment{Point: p, schema: now, relations: before.relations, valueTypes: before.valueTypes}
	m.Conn = nil
	changed := now.changesSince(before.schema)
	if len(changed.types) > 0 {
		for oid, r := range before.relations {
			if slices.ContainsFunc(r.Columns, func(c column) bool { return changed.types[c.TypeOID] }) {
				changed.relations[oid] = true
				changed.names[r.Name] = true
			}
		}
	}
	if len(changed.relations) > 0 {
		if m.relations, err = refreshObjects(ctx, p.Conn, before.relations, changed.relations, readRelations); err != nil {
			return err
		}
	}
	if len(changed.types) > 0 {
		if m.valueTypes, err = refreshObjects(ctx, p.Conn, before.valueTypes, changed.types, readValueTypes); err != nil {
			return err
		}
	}
	if err := c.readUsableSequences(ctx, p.Conn, m); err != nil {
		return err
	}
	c.moments = append(c.moments, m)
	touched := c.touchedQueries(changed)
	m.asked = len(touched)
	err = c.askQueries(ctx, p, m, touched)
	c.log.Debug("commit point", "path", p.Path, "line", p.Line, "schema", read, "all", time.Since(start), "asked", m.asked)
	return err
}

// refreshObjects is a map with the objects of a list as they are now.
func refreshObjects[T any](ctx context.Context, conn *pgx.Conn, before map[uint32]T, changed map[uint32]bool,
	read func(context.Context, *pgx.Conn, []uint32) (map[uint32]T, error)) (map[uint32]T, error) {
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

// visitBase asks for all queries, and learns what they use.
func (c *checker) visitBase(ctx context.Context, p rehearse.Point) error {
	c.byName, c.byRelation, c.byType = map[string][]*recordedQuery{}, map[uint32][]*recordedQuery{}, map[uint32][]*recordedQuery{}
	for _, q := range c.queries {
		q.relations, q.types, q.states, q.asked, q.timedOut = map[uint32]string{}, map[uint32]bool{}, nil, false, false
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
	if err := c.readUsableSequences(ctx, p.Conn, m); err != nil {
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
	if m.valueTypes, err = readValueTypes(ctx, p.Conn, types); err != nil {
		return err
	}
	return c.askQueries(ctx, p, m, c.queries)
}

// touchedQueries are the queries that may feel what changed.
func (c *checker) touchedQueries(changed *changes) []*recordedQuery {
	if changed.all {
		for _, q := range c.queries {
			q.asked = true
		}
		return c.queries
	}
	set := map[*recordedQuery]bool{}
	add := func(list []*recordedQuery) {
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
	var out []*recordedQuery
	for _, q := range c.queries { // in their order
		if set[q] {
			q.asked = true
			out = append(out, q)
		}
	}
	return out
}

// askQueries asks, and keeps what the server says.
func (c *checker) askQueries(ctx context.Context, p rehearse.Point, m *moment, list []*recordedQuery) error {
	a := &queryDescriber{point: p, schema: m.schema}
	for full := range c.big {
		for _, o := range m.schema.relations {
			if o.schema+"."+o.name == full {
				a.bigNames = append(a.bigNames, o.name)
			}
		}
	}
	if err := a.readDefaultPath(ctx, list); err != nil {
		return err
	}
	index := len(c.moments) - 1
	var retries []*recordedQuery
	keep := func(q *recordedQuery, x answer) {
		if index == 0 && x.refused != nil && x.step > 0 && x.refused.Code != "42501" && x.refused.Code != "42P10" && q.isPlanned {
			q.isPlanned = false // it is no statement to be planned like this
			retries = append(retries, q)
			return
		}
		c.recordAnswer(q, pointAnswer{index, x})
	}
	if err := a.askAll(ctx, list, keep); err != nil {
		return err
	}
	return a.askAll(ctx, retries, keep)
}

// recordAnswer notes an answer, and what the query uses.
func (c *checker) recordAnswer(q *recordedQuery, s pointAnswer) {
	if s.timedOut {
		c.late++
		q.timedOut = true
		return
	}
	if s.planRefusal != nil && len(q.states) > 0 && !q.states[0].unplanned {
		s.refused = s.planRefusal // it was planned at the base
	}
	q.states = append(q.states, s)
	for oid, mode := range s.relations {
		if _, known := q.relations[oid]; !known {
			c.byRelation[oid] = append(c.byRelation[oid], q)
		}
		q.relations[oid] = strongerMode(q.relations[oid], mode)
	}
	for _, f := range s.columns {
		c.addTypeUse(q, f.oid)
	}
	for _, oid := range s.params {
		c.addTypeUse(q, oid)
	}
}

// addTypeUse notes a type that the query uses, and the relation whose row the type is.
func (c *checker) addTypeUse(q *recordedQuery, oid uint32) {
	if q.types[oid] {
		return
	}
	q.types[oid] = true
	c.byType[oid] = append(c.byType[oid], q)
	if relation := c.moments[len(c.moments)-1].schema.rowTypes[oid]; relation != 0 {
		c.byRelation[relation] = append(c.byRelation[relation], q)
	}
}
