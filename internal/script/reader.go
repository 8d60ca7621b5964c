package script

import (
	"math"

	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Reader reads a source as scripts that follow one another, because the syntax trees of a large file
// take many times the room of its text. Transactions and their numbers go on from one to the next.
type Reader struct {
	source  Source
	lines   *pgparse.Lines
	strings pgparse.Strings
	bodies  []pgparse.Comment
	calls   []sentCall
	// part is the index of the part that is read, splitter reads it, and ahead are statements of it.
	part     int
	splitter *pgparse.Splitter
	ahead    []pgparse.Stmt
	tracker  tracker
	window   int
}

// NewReader prepares a source to be read.
func NewReader(src Source) *Reader {
	return &Reader{source: src, lines: pgparse.NewLines(src.Text), strings: src.Strings}
}

// splitAhead is how many statements are split at once.
const splitAhead = 1000

// Next is the script of the next statements, most of them or a few more. Programs belong to all statements
// around them: a source that has some is one script. The error is pgparse.ErrTooLarge, or a fault.
func (r *Reader) Next(most int) (s *Script, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = nil, fault.FromPanic(p)
		}
	}()
	if len(r.source.Code)+len(r.source.Replaces)+len(r.source.Changes) > 0 {
		most = math.MaxInt
	}
	s = &Script{Source: r.source, lines: r.lines, Rollback: map[int]bool{}, Window: r.window, guards: map[int]bool{}}
	b := builder{Script: s}
	for len(s.Statements) < most {
		ok, err := r.readAhead(b, most)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		st := &r.ahead[0]
		r.ahead = r.ahead[1:]
		b.addFromPart(r.part, r.splitter, st)
	}
	if s.More, err = r.readAhead(b, most); err != nil {
		return nil, err
	}
	s.Strings, s.next = r.strings, r.part
	if r.splitter != nil {
		s.Strings = r.splitter.Strings()
		b.rewritePart(r.source.Parts[r.part], r.splitter.Source())
	}
	r.bodies, r.calls = append(r.bodies, s.bodies...), append(r.calls, s.calls...)
	r.source, r.window = s.Source, r.window+1
	r.assignTransactions(s)
	if !s.More {
		s.Suppressions = readSuppressions(s.Source, s.lines, r.bodies, r.calls)
	}
	return s, nil
}

// readAhead reads statements ahead, if there is none, up to the next part that has one.
func (r *Reader) readAhead(b builder, most int) (bool, error) {
	for len(r.ahead) == 0 {
		if r.splitter == nil {
			if r.part >= len(r.source.Parts) {
				return false, nil
			}
			if err := r.beginPart(); err != nil {
				return false, err
			}
		}
		count := splitAhead
		if most == math.MaxInt {
			count = most
		}
		if r.ahead = r.splitter.Next(count); len(r.ahead) == 0 {
			b.rewritePart(r.source.Parts[r.part], r.splitter.Source())
			r.strings, r.splitter = r.splitter.Strings(), nil
			r.part++
		}
	}
	return true, nil
}

// beginPart begins with a part.
func (r *Reader) beginPart() (err error) {
	p, mode := &r.source.Parts[r.part], r.source.Mode
	r.splitter, err = pgparse.NewSplitter(p.SQL, pgparse.Reader{
		Psql: r.source.Psql, Message: p.Message || mode == onward.TransactionMessage,
		Block: p.Block != 0 || mode == onward.TransactionFile, Strings: r.strings,
	})
	return err
}

// commitKind is how a command at the head of a pipeline affects the pipeline's implicit
// transaction.
type commitKind uint8

const (
	withOthers commitKind = iota // nothing: it commits with what follows
	byItself                     // it commits at once, and the next one is at the head
	inSteps                      // it commits while it runs; the rest is a block
)

// classifyAtHead says how a command at the head of a pipeline commits. Only at the head does the server
// run commands that cannot run in a transaction. Measured on 13 to 18: after a command that commits several
// times while it runs, the server takes what follows for a transaction block.
func classifyAtHead(n *pgparse.Node) commitKind {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.IndexStmt:
		return chooseCommitKind(s.GetConcurrent())
	case *pgparse.DropStmt:
		return chooseCommitKind(s.GetConcurrent())
	case *pgparse.ReindexStmt:
		switch s.GetKind() {
		case pgparse.ReindexObjectType_REINDEX_OBJECT_SCHEMA, pgparse.ReindexObjectType_REINDEX_OBJECT_DATABASE,
			pgparse.ReindexObjectType_REINDEX_OBJECT_SYSTEM:
			return inSteps
		}
		for _, p := range s.GetParams() {
			if p.GetDefElem().GetDefname() == "concurrently" {
				return inSteps
			}
		}
	case *pgparse.AlterTableStmt:
		for _, c := range s.GetCmds() {
			if p := c.GetAlterTableCmd().GetDef().GetPartitionCmd(); p.GetConcurrent() {
				return inSteps
			}
		}
	case *pgparse.VacuumStmt:
		return chooseCommitKind(s.GetIsVacuumcmd())
	case *pgparse.ClusterStmt:
		repack := pgparse.RepackOf(s)
		return chooseCommitKind(s.GetRelation() == nil || repack != nil && (repack.Concurrently || repack.Analyze))
	case *pgparse.DiscardStmt:
		if s.GetTarget() == pgparse.DiscardMode_DISCARD_ALL {
			return byItself
		}
	case *pgparse.CreatedbStmt, *pgparse.DropdbStmt, *pgparse.CreateTableSpaceStmt, *pgparse.DropTableSpaceStmt,
		*pgparse.CreateSubscriptionStmt, *pgparse.DropSubscriptionStmt, *pgparse.AlterSystemStmt:
		return byItself
	}
	return withOthers
}

// chooseCommitKind returns the kind of a command that commits several times only in some of its forms.
func chooseCommitKind(repeated bool) commitKind {
	if repeated {
		return inSteps
	}
	return withOthers
}
