package pgparse

import "strings"

// session follows how strings end through the statements of a text.
type session struct {
	now, start Strings
	kept       Strings // what is left of now when the transaction ends
	before     Strings // what a ROLLBACK goes back to
	open       bool
	goesOn     bool // its reader goes on behind a statement that failed
	points     []point
}

type point struct {
	name      string
	now, kept Strings
}

func newSession(by Reader) *session {
	return &session{now: by.Strings, start: Strings{}, kept: by.Strings, before: by.Strings, open: by.Block, goesOn: by.Psql}
}

// end is what the next text of the session begins with.
func (s *session) end() Strings {
	if s.open {
		return s.kept
	}
	return s.now
}

// statement takes in what a statement sets.
func (s *session) statement(st *Stmt, sql string) {
	if st.Node == nil {
		if words := strings.Fields(sql); len(words) > 1 && words[0] == `\encoding` {
			s.encoding(words[1], false)
		}
		return
	}
	switch x := unwrap(st.Node).(type) {
	case *VariableSetStmt:
		s.set(x)
	case *DiscardStmt:
		if x.Target == DiscardMode_DISCARD_ALL {
			s.now, s.kept = s.start, s.start
		}
	case *SelectStmt, *CallStmt:
		s.calls(st.Node, true)
	case *UpdateStmt:
		s.updates(x)
		s.calls(st.Node, false)
	case *CreateFunctionStmt:
		s.hides(x)
		s.calls(st.Node, false)
	case *InsertStmt, *DeleteStmt, *MergeStmt, *CreateTableAsStmt, *ExplainStmt, *CopyStmt, *PrepareStmt, *DeclareCursorStmt, *CreateStmt, *ViewStmt, *RuleStmt, *AlterTableStmt:
		s.calls(st.Node, false)
	case *DoStmt:
		s.block(sql)
	case *TransactionStmt:
		s.transaction(x)
	}
}

func (s *session) set(x *VariableSetStmt) {
	value, known := "", true
	if x.Kind == VariableSetKind_VAR_SET_VALUE {
		value, known = "", len(x.Args) == 1
		if known {
			value, known = settingText(x.Args[0])
		}
	}
	reset := x.Kind != VariableSetKind_VAR_SET_VALUE
	switch {
	case x.Kind == VariableSetKind_VAR_RESET_ALL:
		s.now, s.kept = s.start, s.start
	case strings.EqualFold(x.Name, "standard_conforming_strings"):
		s.strings(reset, value, known, x.IsLocal)
	case strings.EqualFold(x.Name, "client_encoding"):
		if reset {
			value = ""
		}
		s.encoding(value, x.IsLocal)
	}
}

// settingText is a constant as SET takes it.
func settingText(n *Node) (string, bool) {
	switch v := n.GetAConst().GetVal().(type) {
	case *A_Const_Ival:
		if v.Ival.GetIval() == 0 {
			return "off", true
		}
		return "on", true
	case *A_Const_Boolval:
		if v.Boolval.GetBoolval() {
			return "on", true
		}
		return "off", true
	}
	return ConstantString(n)
}

// strings sets standard_conforming_strings.
func (s *session) strings(reset bool, value string, known, local bool) {
	s.change(local, func(to *Strings) {
		switch {
		case reset:
			to.Off, to.Unsure = s.start.Off, s.start.Unsure
		case !known:
			to.Unsure = true
		default:
			to.Off, to.Unsure = isOff(value), false
		}
	})
}

// isOff reports whether the server reads a text as false.
func isOff(value string) bool {
	v := strings.ToLower(strings.TrimSpace(value))
	return v == "0" || v == "of" || v == "off" || v != "" && (strings.HasPrefix("false", v) || strings.HasPrefix("no", v))
}

func (s *session) encoding(name string, local bool) {
	s.change(local, func(to *Strings) {
		if to.Encoding = ""; swallows(name) {
			to.Encoding = name
		}
	})
}

// change changes what is set, for the transaction alone or for the session too.
func (s *session) change(local bool, f func(*Strings)) {
	if local && !s.open {
		return // a warning and nothing else
	}
	f(&s.now)
	if !local {
		f(&s.kept)
	}
}

// hides takes in that a function may set how strings end: whether, and when, is not
// followed.
func (s *session) hides(x *CreateFunctionStmt) {
	for _, o := range x.Options {
		for _, text := range o.GetDefElem().GetArg().GetList().GetItems() {
			if strings.Contains(strings.ToLower(text.GetString_().GetSval()), "standard_conforming_strings") {
				s.strings(false, "", false, false)
			}
		}
	}
}

// calls takes in the calls of set_config in a statement. runs: they are called now,
// and not for each row, or later, or never.
func (s *session) calls(n *Node, runs bool) {
	Walk(n, func(x any) bool {
		call, ok := x.(*FuncCall)
		if !ok || len(call.Funcname) == 0 || len(call.Args) != 3 || Last(call.Funcname) != "set_config" {
			return true
		}
		name, named := ConstantString(call.Args[0])
		value, known := ConstantString(call.Args[1])
		flag, told := settingText(call.Args[2])
		local := told && !isOff(flag)
		known = known && runs && told
		switch {
		case named && strings.EqualFold(name, "client_encoding"):
			s.encoding(value, local)
		case named && strings.EqualFold(name, "standard_conforming_strings"):
			s.strings(false, value, known, local)
		case !named:
			s.strings(false, "", false, local)
		}
		return true
	})
}

// updates takes in what an UPDATE of pg_settings sets.
func (s *session) updates(x *UpdateStmt) {
	switch name, value, known, is := Updated(x); {
	case !is:
	case !known:
		s.strings(false, "", false, false)
	case strings.EqualFold(name, "standard_conforming_strings"):
		s.strings(false, value, true, false)
	case strings.EqualFold(name, "client_encoding"):
		s.encoding(value, false)
	}
}

// block takes in what a DO block sets. Its text is parsed only where it may do so.
func (s *session) block(sql string) {
	lower := strings.ToLower(sql)
	if !strings.Contains(lower, "conforming") && !strings.Contains(lower, "set_config") && !strings.Contains(lower, "client_encoding") && !strings.Contains(lower, "pg_settings") {
		return
	}
	block, err := ParseBlock(sql)
	if err != nil {
		s.now.Unsure, s.kept.Unsure = true, true
		return
	}
	for _, inner := range block.Statements {
		if inner.Dynamic {
			continue // it is said to be hidden
		}
		f, err := Split(inner.SQL)
		if err != nil {
			continue
		}
		for i := range f.Stmts {
			s.statement(&f.Stmts[i], inner.SQL[f.Stmts[i].Start:f.Stmts[i].End])
		}
	}
}

func (s *session) transaction(x *TransactionStmt) {
	switch x.Kind {
	case TransactionStmtKind_TRANS_STMT_BEGIN, TransactionStmtKind_TRANS_STMT_START:
		if !s.open {
			s.open, s.before = true, s.kept
		}
	case TransactionStmtKind_TRANS_STMT_COMMIT, TransactionStmtKind_TRANS_STMT_PREPARE:
		if s.goesOn && s.open && s.kept.Off != s.before.Off {
			s.kept.Unsure = true // if a statement failed, it is a ROLLBACK
		}
		s.now, s.open, s.points = s.kept, x.Chain, nil
		s.before = s.kept
	case TransactionStmtKind_TRANS_STMT_ROLLBACK:
		if s.open {
			s.kept = s.before
		}
		s.now, s.open, s.points = s.kept, x.Chain, nil
	case TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		s.points = append(s.points, point{x.SavepointName, s.now, s.kept})
	case TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		for i := len(s.points) - 1; i >= 0; i-- {
			if p := s.points[i]; p.name == x.SavepointName {
				s.now, s.kept, s.points = p.now, p.kept, s.points[:i+1]
				break
			}
		}
	}
}
