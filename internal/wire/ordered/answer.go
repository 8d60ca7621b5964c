package ordered

import (
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/wire"
)

// Server takes a message of the server.
func (s *session) Server(kind byte, body []byte, _ int) {
	if s.lost {
		return
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	switch kind {
	case 'C', 'I':
		if o := s.owedMessage('Q', 'E'); o != nil && o.statement != nil {
			o.statement.answered = true
			if kind == 'C' {
				o.statement.Tags = append(o.statement.Tags, strings.TrimRight(string(body), "\x00"))
			}
		}
		s.endExecute()
	case 's': // more rows of the portal follow
		if o := s.owedMessage('E'); o != nil && o.statement != nil {
			o.statement.answered = true
			o.statement.Tags = append(o.statement.Tags, "SELECT")
		}
		s.endExecute()
	case 't':
		if o := s.owedMessage('D'); o != nil {
			var m pgproto3.ParameterDescription
			if p, ok := s.prepared[o.name]; ok && m.Decode(body) == nil {
				p.oids = append([]uint32(nil), m.ParameterOIDs...)
				s.prepared[o.name] = p
			}
			s.owed = s.owed[1:]
		}
	case 'G':
		if o := s.owedMessage('Q', 'E'); o != nil && o.statement != nil {
			o.statement.Rows = true
		}
	case 'E':
		s.failPending(body)
	case 'Z':
		s.onReadyForQuery(body)
	}
}

// owedMessage returns the first message that is owed an answer, if it is of one of these kinds.
func (s *session) owedMessage(kinds ...byte) *owed {
	if len(s.owed) == 0 {
		return nil
	}
	for _, k := range kinds {
		if s.owed[0].kind == k {
			return &s.owed[0]
		}
	}
	return nil
}

// endExecute ends the answer to an Execute message. A message of the simple protocol may get more answers.
func (s *session) endExecute() {
	if o := s.owedMessage('E'); o != nil {
		s.owed = s.owed[1:]
		s.finishStatement(o.statement)
	}
}

// failPending notes an error: the server skips everything up to the next Sync.
func (s *session) failPending(body []byte) {
	for _, st := range s.group {
		st.Undone = true
	}
	s.group = nil
	failure := wire.ErrorField(body, 'M') + " (SQLSTATE " + wire.ErrorField(body, 'C') + ")"
	for i, o := range s.owed {
		if o.kind == 'S' {
			return
		}
		if o.statement != nil {
			o.statement.Failed, o.statement.answered = failure, true
			failure = "skipped after an error"
		}
		if s.owed[i].kind != 'Q' {
			s.owed[i].kind = 'x' // no answer comes
		} else {
			return
		}
	}
}

// onReadyForQuery ends the answers to a Query or a Sync.
func (s *session) onReadyForQuery(body []byte) {
	for len(s.owed) > 0 {
		o := s.owed[0]
		s.owed = s.owed[1:]
		if o.kind == 'Q' {
			s.finishStatement(o.statement)
		}
		if o.kind == 'S' || o.kind == 'Q' {
			break
		}
	}
	if len(s.owed) == 0 {
		s.owed = nil
	}
	idle := len(body) > 0 && body[0] == 'I'
	switch {
	case idle && s.transaction != 0:
		s.endTransaction(true) // by a message with several statements
	case idle:
		s.joinPipeline()
	case s.transaction == 0:
		s.beginTransaction()
	}
	s.group = nil
}

// joinPipeline makes the statements of a pipeline one transaction.
func (s *session) joinPipeline() {
	if len(s.group) < 2 {
		return
	}
	number := s.log.nextTransaction()
	for _, st := range s.group {
		st.Transaction = number
	}
}

// finishStatement follows what a statement did to its transaction.
func (s *session) finishStatement(st *Statement) {
	if st == nil || st.Failed != "" {
		return
	}
	st.answered = true
	if len(st.Tags) > 1 {
		s.addToTransaction(st)
		return
	}
	control, savepoint := parseControl(st.Sent)
	if control == Commits && len(st.Tags) == 1 && st.Tags[0] == "ROLLBACK" {
		control = RollsBack // the transaction had failed
	}
	st.Control = control
	switch control {
	case Begins:
		if s.transaction == 0 {
			s.beginTransaction()
		}
		st.Transaction = s.transaction
	case Commits, RollsBack:
		st.Transaction = s.transaction
		s.endTransaction(control == Commits)
		s.group = nil
	case Saves:
		st.Transaction = s.transaction
		s.followSavepoint(st.Sent, savepoint)
	default:
		s.addToTransaction(st)
	}
}

// addToTransaction adds a statement to the open transaction, or to the pipeline.
func (s *session) addToTransaction(st *Statement) {
	st.Transaction = s.transaction
	switch {
	case s.transaction != 0:
		s.own = append(s.own, st)
	case !st.Message:
		s.group = append(s.group, st)
	}
}

func (s *session) beginTransaction() {
	s.transaction = s.log.nextTransaction()
	// In a pipeline, statements before BEGIN belong to the transaction.
	for _, st := range s.group {
		st.Transaction = s.transaction
		s.own = append(s.own, st)
	}
	s.group = nil
}

// endTransaction ends the open transaction, if there is one.
func (s *session) endTransaction(committed bool) {
	if !committed {
		for _, st := range s.own {
			st.Undone = true
		}
	}
	s.transaction, s.own, s.saved = 0, nil, nil
}

// followSavepoint follows SAVEPOINT, RELEASE and ROLLBACK TO.
func (s *session) followSavepoint(sql, name string) {
	verb, _ := nextWord(sql, 0)
	if verb == "SAVEPOINT" {
		s.saved = append(s.saved, savepoint{name, len(s.own)})
		return
	}
	for i := len(s.saved) - 1; i >= 0; i-- {
		if s.saved[i].name != name {
			continue
		}
		before := s.saved[i].before
		if verb == "RELEASE" {
			s.saved = s.saved[:i]
			return
		}
		for _, st := range s.own[before:] {
			st.Undone = true
		}
		s.own, s.saved = s.own[:before], s.saved[:i+1]
		return
	}
}

// parseControl returns what a statement does to its transaction, and the name of its savepoint.
func parseControl(sql string) (c Control, savepoint string) {
	word, offset := nextWord(sql, 0)
	switch word {
	case "BEGIN", "START":
		return Begins, ""
	case "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE":
	default:
		return "", ""
	}
	var words []string
	for len(words) < 4 {
		next, end := nextWord(sql, offset)
		if next == "" {
			break
		}
		words, offset = append(words, next), end
	}
	first := ""
	if len(words) > 0 {
		first = words[0]
	}
	switch {
	case word == "PREPARE" && first == "TRANSACTION":
		return Commits, ""
	case word == "PREPARE", first == "PREPARED":
		return "", ""
	case word == "SAVEPOINT", word == "RELEASE":
		return Saves, lastWord(words)
	case word == "ROLLBACK" && (first == "TO" || len(words) > 1 && words[1] == "TO"):
		return Saves, lastWord(words)
	case word == "ROLLBACK", word == "ABORT":
		return RollsBack, ""
	}
	return Commits, ""
}

func lastWord(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// nextWord returns the next word of a text in upper case, or a quoted name as it is; "" at its end or at a ';'.
func nextWord(sql string, offset int) (word string, end int) {
	for {
		x := pgparse.NextLexeme(sql, offset)
		offset = x.End
		switch x.Kind {
		case pgparse.LexemeComment:
		case pgparse.LexemeWord:
			return strings.ToUpper(sql[x.Start:x.End]), offset
		case pgparse.LexemeQuoted:
			return sql[x.Start:x.End], offset
		default:
			return "", offset
		}
	}
}
