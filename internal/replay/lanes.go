package replay

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/workload"
)

// DatabaseLane is the part of a transcript that concerns one database: how the recorded command made its schema, and what followed.
type DatabaseLane struct {
	// Setup is what made the schema and its first rows; no events if the database had them.
	Setup Lane
	// Tests are the rest. The release runs before them.
	Tests Lane
	// Template is the recorded database of which this one is a copy; "" for none. CopiedAt is the event that copied it.
	Template string
	CopiedAt int
	// Created: the command made the database itself.
	Created bool
	// Schema is the schema of a single test, which the lane is about; "" for all.
	Schema string
	// Guessed: nothing says surely where the setup ends; see [FindSetup].
	Guessed bool

	messages messages
	// copied is the first event that copies the database; the lane's end if none does.
	copied int
}

// messages has the statements of a transcript by their events: those that are sent or prepared, and those that are executed, too.
type messages struct{ statements, executed map[int][]*pgparse.Node }

// madeDatabase is a database of a transcript from its making, or from the first event, to the drop before it is made again.
type madeDatabase struct {
	name, template string
	begin, end     int
	// drop is the last event that asks for its drop, which may have been refused; 0 for none.
	drop int
	// copiedAt is the event that made it from its template.
	copiedAt int
	// created: the command made it. used: a client sent something to it.
	created, used bool
}

// SplitLanes returns the lanes of a transcript, in the order in which the databases were made or first used. A database that is dropped and made
// again under its name has a lane each time. books are the tables in which migration tools keep what has run: a schema is made when the last of
// them was written. Without them, a program of the application's own may have such a table.
func SplitLanes(t *transcript.Transcript, books []string) []DatabaseLane {
	statements := readStatements(t)
	executed := addPreparedToBinds(t, statements)
	var out []DatabaseLane
	for _, database := range listDatabases(t, statements) {
		if !database.used {
			continue
		}
		all := Lane{Transcript: t, Database: database.name, Begin: database.begin, End: database.end, since: database.begin}
		lane := DatabaseLane{Tests: all, Template: database.template, CopiedAt: database.copiedAt, Created: database.created,
			messages: messages{statements, executed},
			copied:   database.findCopy(statements)}
		end := all.findSetupEnd(executed, books)
		if empty := database.created || t.Start == transcript.StartsEmpty; empty && database.template == "" && end == all.Begin {
			lane.Guessed, end = true, all.findSetupEnd(executed, all.findHistoryTable(executed))
		}
		out = append(out, lane.EndSetup(end))
	}
	return out
}

// EndSetup returns the lane, which has no setup, with one that ends before an event.
func (d *DatabaseLane) EndSetup(end int) DatabaseLane {
	out := *d
	out.Setup = out.Tests
	out.Setup.End, out.Tests.Begin = end, end
	out.Setup.Settings = out.Tests.listSettings(d.messages.statements, out.Setup.Begin)
	out.Tests.Settings = out.Tests.listSettings(d.messages.statements, end)
	for _, part := range []*Lane{&out.Setup, &out.Tests} {
		part.Recorded = part.readRecordedAnswers(d.messages.statements)
	}
	out.Tests.moments = out.Tests.findRowMoments(d.messages.statements)
	return out
}

// findCopy returns the first event that makes another database of it; its end if none does.
func (d *madeDatabase) findCopy(statements map[int][]*pgparse.Node) int {
	for i := d.begin; i < d.end; i++ {
		for _, st := range statements[i] {
			if create := st.GetCreatedbStmt(); create != nil && templateOf(create) == d.name {
				return i
			}
		}
	}
	return d.end
}

// listDatabases lists the databases of a transcript, one that is made again as often as it is made.
func listDatabases(t *transcript.Transcript, statements map[int][]*pgparse.Node) (list []*madeDatabase) {
	latest := map[string]*madeDatabase{}
	add := func(name string, begin int) *madeDatabase {
		latest[name] = &madeDatabase{name: name, begin: begin, end: len(t.Events)}
		list = append(list, latest[name])
		return latest[name]
	}
	find := func(name string) *madeDatabase {
		if d := latest[name]; d != nil {
			return d
		}
		return add(name, 0)
	}
	for i := range t.Events {
		e := &t.Events[i]
		if e.Source == transcript.Client {
			find(t.Sessions[e.Session].Database).used = true
		}
		for _, st := range statements[i] {
			if create := st.GetCreatedbStmt(); create != nil {
				d := find(create.GetDbname())
				if d.drop > 0 {
					d.end = d.drop
					d = add(d.name, i)
				}
				d.created = true
				if template := templateOf(create); template != "template0" && template != "template1" {
					d.template, d.copiedAt = template, i
				}
			}
			if drop := st.GetDropdbStmt(); drop != nil && latest[drop.GetDbname()] != nil {
				latest[drop.GetDbname()].drop = i
			}
		}
	}
	return list
}

// readStatements returns the statements of messages that send or prepare some, by their events; none of a text that cannot be read.
func readStatements(t *transcript.Transcript) map[int][]*pgparse.Node {
	out := map[int][]*pgparse.Node{}
	for i := range t.Events {
		file, err := pgparse.SplitBy(sentText(&t.Events[i]), pgparse.Reader{Message: true})
		if err != nil {
			continue
		}
		for j := range file.Stmts {
			if st := &file.Stmts[j]; st.Err == nil && st.Node != nil {
				out[i] = append(out[i], st.Node)
			}
		}
	}
	return out
}

// templateOf returns the database that CREATE DATABASE copies; "" if it names none.
func templateOf(create *pgparse.CreatedbStmt) string {
	for _, option := range create.GetOptions() {
		if d := option.GetDefElem(); d.GetDefname() == "template" {
			return d.GetArg().GetString_().GetSval()
		}
	}
	return ""
}

// sentText returns the text of a statement that a client sends, or prepares.
func sentText(e *transcript.Event) string {
	if e.Source != transcript.Client {
		return ""
	}
	switch e.Kind {
	case 'Q':
		var m pgproto3.Query
		if m.Decode(e.Body) == nil {
			return m.String
		}
	case 'P':
		var m pgproto3.Parse
		if m.Decode(e.Body) == nil {
			return m.Query
		}
	}
	return ""
}

// findSetupEnd returns the event after the transaction that wrote one of the tables last; the lane's begin if none was written.
func (l *Lane) findSetupEnd(statements map[int][]*pgparse.Node, books []string) int {
	end, writer := l.Begin, -1
	for i := l.Begin; i < l.End; i++ {
		e := &l.Transcript.Events[i]
		if !l.hasEvent(i) {
			continue
		}
		if slices.ContainsFunc(statements[i], func(st *pgparse.Node) bool { return slices.Contains(books, writtenTable(st)) }) {
			end, writer = l.End, e.Session
		}
		if e.Session == writer && e.Source == transcript.Server && e.Kind == 'Z' && bytes.Equal(e.Body, []byte("I")) {
			end, writer = i+1, -1
		}
	}
	return end
}

// addPreparedToBinds adds to the statements of messages the prepared one of each Bind message: drivers prepare a statement once for all its executions.
func addPreparedToBinds(t *transcript.Transcript, statements map[int][]*pgparse.Node) map[int][]*pgparse.Node {
	out, prepared := maps.Clone(statements), map[namedQuery][]*pgparse.Node{}
	for i := range t.Events {
		e := &t.Events[i]
		if e.Source != transcript.Client {
			continue
		}
		switch first, second := readNames(e); e.Kind {
		case 'P':
			prepared[namedQuery{e.Session, first}] = statements[i]
		case 'B':
			out[i] = prepared[namedQuery{e.Session, second}]
		}
	}
	return out
}

// findHistoryTable returns the table that is written last after most changes of the schema, before the session's next one: there a program of the application's
// own keeps what has run. It returns none if the schema changes fewer than two times.
func (l *Lane) findHistoryTable(statements map[int][]*pgparse.Node) []string {
	changes, times := 0, map[string]int{}
	written := map[int]string{} // by sessions that have changed the schema: the table that was written last since, or ""
	for i := l.Begin; i < l.End; i++ {
		e := &l.Transcript.Events[i]
		if !l.hasEvent(i) {
			continue
		}
		for _, st := range statements[i] {
			last, changed := written[e.Session]
			switch table := writtenTable(st); {
			case changesTables(st):
				if changed && last != "" {
					changes++
					times[last]++
				}
				written[e.Session] = ""
			case changed && table != "":
				written[e.Session] = table
			}
		}
	}
	for _, last := range written {
		changes++
		times[last]++
	}
	for table, n := range times {
		if table != "" && n > 1 && 2*n > changes {
			return []string{table}
		}
	}
	return nil
}

// changesTables reports whether a statement makes or changes a table, an index or a view that outlasts its session.
func changesTables(st *pgparse.Node) bool {
	if create := st.GetCreateStmt(); create != nil {
		return create.GetRelation().GetRelpersistence() != "t"
	}
	return st.GetAlterTableStmt() != nil || st.GetIndexStmt() != nil || st.GetViewStmt() != nil || st.GetRenameStmt() != nil || st.GetDropStmt() != nil
}

// writtenTable returns the table that a statement writes, without its schema; "" for none.
func writtenTable(st *pgparse.Node) string {
	switch {
	case st.GetInsertStmt() != nil:
		return st.GetInsertStmt().GetRelation().GetRelname()
	case st.GetUpdateStmt() != nil:
		return st.GetUpdateStmt().GetRelation().GetRelname()
	case st.GetDeleteStmt() != nil:
		return st.GetDeleteStmt().GetRelation().GetRelname()
	}
	return ""
}

// listSettings returns the events that set how sessions go on which are open at an event, and those that prepared their statements. These come last: they may
// need what is set.
func (l *Lane) listSettings(statements map[int][]*pgparse.Node, begin int) []int {
	type session struct{ set, prepared []int }
	open := map[int]*session{}
	for i := l.since; i < begin; i++ {
		e := &l.Transcript.Events[i]
		if !l.isInDatabase(e) {
			continue
		}
		s := open[e.Session]
		if s == nil {
			s = &session{}
			open[e.Session] = s
		}
		switch {
		case e.Source == transcript.Ends:
			delete(open, e.Session)
		case e.Source != transcript.Client:
		case e.Kind == 'Q' && len(statements[i]) == 1 && setsSession(statements[i][0]):
			if name := statements[i][0].GetVariableSetStmt().GetName(); name != "" { // the last value counts
				s.set = slices.DeleteFunc(s.set, func(j int) bool { return statements[j][0].GetVariableSetStmt().GetName() == name })
			}
			s.set = append(s.set, i)
		case e.Kind == 'P' && len(e.Body) > 0 && e.Body[0] != 0:
			s.prepared = append(s.prepared, i)
		}
	}
	var set, prepared []int
	for i := begin; i < l.End; i++ { // sessions that send nothing more need nothing
		if e := &l.Transcript.Events[i]; e.Source == transcript.Client && l.hasEvent(i) && open[e.Session] != nil {
			set, prepared = append(set, open[e.Session].set...), append(prepared, open[e.Session].prepared...)
			delete(open, e.Session)
		}
	}
	slices.Sort(set)
	slices.Sort(prepared)
	return append(set, prepared...)
}

// setsSession reports whether a statement sets how its session goes on.
func setsSession(st *pgparse.Node) bool {
	if set := st.GetVariableSetStmt(); set != nil {
		return !set.GetIsLocal() && !strings.HasPrefix(set.GetName(), "TRANSACTION")
	}
	calls := false
	if st.GetSelectStmt() != nil {
		pgparse.Walk(st, func(n any) bool {
			if call, found := n.(*pgparse.FuncCall); found {
				name := call.GetFuncname()
				calls = calls || len(name) > 0 && name[len(name)-1].GetString_().GetSval() == "set_config"
			}
			return true
		})
	}
	return calls || st.GetPrepareStmt() != nil || st.GetListenStmt() != nil
}

// readRecordedAnswers returns what the server answered when the lane was recorded, by the events of the messages.
func (l *Lane) readRecordedAnswers(statements map[int][]*pgparse.Node) map[int]*Answer {
	trackers, sqlByName := map[int]*tracker{}, map[namedQuery]string{}
	out := map[int]*Answer{}
	for i := l.since; i < l.Begin; i++ { // its sessions may have prepared statements before
		if e := &l.Transcript.Events[i]; e.Source == transcript.Client && e.Kind == 'P' && l.isInDatabase(e) {
			if trackers[e.Session] == nil {
				trackers[e.Session] = newTracker(e.Session)
			}
			name, text := readNames(e)
			trackers[e.Session].prepared[name] = text
		}
	}
	for i := l.Begin; i < l.End; i++ {
		e := &l.Transcript.Events[i]
		if !l.hasEvent(i) {
			continue
		}
		t := trackers[e.Session]
		if t == nil {
			t = newTracker(e.Session)
			trackers[e.Session] = t
		}
		switch e.Source {
		case transcript.Client:
			t.trackSentMessage(i, e.Kind, e.Body)
		case transcript.Server:
			t.receiveMessage(e.Kind, e.Body)
		}
		if n := len(t.answers); e.Source == transcript.Client && n > 0 && t.answers[n-1].Event == i {
			a := t.answers[n-1]
			out[i] = a
			if len(statements[i]) == 1 {
				a.SQL = trackNamedQuery(sqlByName, e.Session, statements[i][0], a.SQL)
			}
		}
	}
	return out
}

// namedQuery is a name that SQL's PREPARE or DECLARE gives to a query of a session.
type namedQuery struct {
	session int
	name    string
}

// trackNamedQuery notes the query that a statement names, and returns the query that it runs: of EXECUTE and FETCH the named one, of others the
// statement itself.
func trackNamedQuery(sqlByName map[namedQuery]string, session int, st *pgparse.Node, sql string) string {
	switch {
	case st.GetPrepareStmt() != nil:
		sqlByName[namedQuery{session, st.GetPrepareStmt().GetName()}] = workload.Normalize(sql).SQL
	case st.GetDeclareCursorStmt() != nil:
		sqlByName[namedQuery{session, st.GetDeclareCursorStmt().GetPortalname()}] = workload.Normalize(sql).SQL
	case st.GetExecuteStmt() != nil:
		return cmp.Or(sqlByName[namedQuery{session, st.GetExecuteStmt().GetName()}], sql)
	case st.GetFetchStmt() != nil:
		return cmp.Or(sqlByName[namedQuery{session, st.GetFetchStmt().GetPortalname()}], sql)
	}
	return sql
}
