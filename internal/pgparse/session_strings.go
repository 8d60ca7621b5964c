package pgparse

import "strings"

// session follows the settings that decide where strings end, such as standard_conforming_strings, from statement to statement.
type session struct {
	now, start Strings // the current settings, and the values that RESET restores
	kept       Strings // the part of now that is kept after the transaction
	before     Strings // the state that a ROLLBACK restores
	open       bool    // a transaction block is open
	goesOn     bool    // its reader continues after a failed statement
	points     []point
}

// point is a savepoint, with the settings to which ROLLBACK TO returns.
type point struct {
	name      string
	now, kept Strings
}

func newSession(reader Reader) *session {
	if reader.Strings.Refusal == AllRefuse {
		reader.Strings.Off, reader.Strings.Unsure = false, false
	}
	return &session{now: reader.Strings, start: Strings{Refusal: reader.Strings.Refusal}, kept: reader.Strings, before: reader.Strings,
		open: reader.Block, goesOn: reader.Psql}
}

// nextStrings returns the state for the session's next text.
func (s *session) nextStrings() Strings {
	if s.open {
		return s.kept
	}
	return s.now
}

// applyStatement applies the settings of a statement.
func (s *session) applyStatement(st *Stmt, sql string) {
	if st.Node == nil {
		if words := strings.Fields(sql); len(words) > 1 && words[0] == `\encoding` {
			s.setEncoding(words[1], false)
		}
		return
	}
	switch x := unwrap(st.Node).(type) {
	case *VariableSetStmt:
		s.applySet(x)
	case *DiscardStmt:
		if x.Target == DiscardMode_DISCARD_ALL {
			s.now, s.kept = s.start, s.start
		}
	case *SelectStmt, *CallStmt:
		s.applySetConfigCalls(st.Node, sql, true)
	case *UpdateStmt:
		s.applySettingsUpdate(x)
		s.applySetConfigCalls(st.Node, sql, false)
	case *CreateFunctionStmt:
		s.checkFunction(x)
		s.applySetConfigCalls(st.Node, sql, false)
	case *InsertStmt, *DeleteStmt, *MergeStmt, *CreateTableAsStmt, *ExplainStmt, *CopyStmt, *PrepareStmt, *DeclareCursorStmt, *CreateStmt, *ViewStmt, *RuleStmt,
		*AlterTableStmt:
		s.applySetConfigCalls(st.Node, sql, false)
	case *DoStmt:
		s.applyBlock(sql)
	case *TransactionStmt:
		s.applyTransaction(x)
	}
}

func (s *session) applySet(x *VariableSetStmt) {
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
		s.setStrings(reset, value, known, x.IsLocal)
	case strings.EqualFold(x.Name, "client_encoding"):
		if reset {
			value = ""
		}
		s.setEncoding(value, x.IsLocal)
	}
}

// settingText returns a constant as SET reads it.
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

// TurnsOff reports whether a SET of a boolean parameter turns it off.
func TurnsOff(s *VariableSetStmt) bool {
	if s.GetKind() != VariableSetKind_VAR_SET_VALUE || len(s.GetArgs()) != 1 {
		return false
	}
	value, known := settingText(s.GetArgs()[0])
	return known && IsOff(value)
}

// setStrings applies a change of standard_conforming_strings.
func (s *session) setStrings(reset bool, value string, known, local bool) {
	s.changeSetting(local, func(to *Strings) {
		switch {
		case reset:
			to.Off, to.Unsure = s.start.Off, s.start.Unsure
		case !known:
			*to = to.withUnsure()
		case IsOff(value):
			*to = to.withOff()
		default:
			to.Off, to.Unsure = false, false
		}
	})
}

// IsOff reports whether the server reads a text as false.
func IsOff(value string) bool {
	v := strings.ToLower(strings.TrimSpace(value))
	return v == "0" || v == "of" || v == "off" || v != "" && (strings.HasPrefix("false", v) || strings.HasPrefix("no", v))
}

func (s *session) setEncoding(name string, local bool) {
	s.changeSetting(local, func(to *Strings) {
		if to.Encoding = ""; swallowsBackslash(name) {
			to.Encoding = name
		}
	})
}

// changeSetting applies a setting to the transaction, and unless it is local, to the session.
func (s *session) changeSetting(local bool, f func(*Strings)) {
	if local && !s.open {
		return // only a warning
	}
	f(&s.now)
	if !local {
		f(&s.kept)
	}
}

// checkFunction handles a function that may set where strings end. It is not known whether and
// when the function is called.
func (s *session) checkFunction(x *CreateFunctionStmt) {
	for _, o := range x.Options {
		for _, text := range o.GetDefElem().GetArg().GetList().GetItems() {
			if strings.Contains(strings.ToLower(text.GetString_().GetSval()), "standard_conforming_strings") {
				s.setStrings(false, "", false, false)
			}
		}
	}
}

// applySetConfigCalls handles the calls of set_config in a statement. runs: they are called exactly
// once now, and not for each row, later, or never. Few texts have the name, or a name with escapes (U&"…").
func (s *session) applySetConfigCalls(n *Node, sql string, runs bool) {
	if !ContainsFold(sql, "set_config") && !ContainsFold(sql, `u&"`) {
		return
	}
	Walk(n, func(x any) bool {
		call, ok := x.(*FuncCall)
		if !ok || len(call.Funcname) == 0 || len(call.Args) != 3 || LastText(call.Funcname) != "set_config" {
			return true
		}
		name, isConstantName := ConstantString(call.Args[0])
		value, known := ConstantString(call.Args[1])
		flag, isConstantFlag := settingText(call.Args[2])
		local := isConstantFlag && !IsOff(flag)
		known = known && runs && isConstantFlag
		switch {
		case isConstantName && strings.EqualFold(name, "client_encoding"):
			s.setEncoding(value, local)
		case isConstantName && strings.EqualFold(name, "standard_conforming_strings"):
			s.setStrings(false, value, known, local)
		case !isConstantName:
			s.setStrings(false, "", false, local)
		}
		return true
	})
}

// applySettingsUpdate handles the settings of an UPDATE of pg_settings.
func (s *session) applySettingsUpdate(x *UpdateStmt) {
	switch name, value, known, ok := UpdatedSetting(x); {
	case !ok:
	case !known:
		s.setStrings(false, "", false, false)
	case strings.EqualFold(name, "standard_conforming_strings"):
		s.setStrings(false, value, true, false)
	case strings.EqualFold(name, "client_encoding"):
		s.setEncoding(value, false)
	}
}

// applyBlock handles the settings of a DO block. Its text is only parsed if it may contain
// any.
func (s *session) applyBlock(sql string) {
	lower := strings.ToLower(sql)
	if !strings.Contains(lower, "conforming") && !strings.Contains(lower, "set_config") && !strings.Contains(lower, "client_encoding") &&
		!strings.Contains(lower, "pg_settings") {
		return
	}
	block, err := ParseBlock(sql)
	if err != nil {
		s.now, s.kept = s.now.withUnsure(), s.kept.withUnsure()
		return
	}
	for _, inner := range block.Statements {
		if inner.Dynamic {
			continue // hidden text is reported elsewhere
		}
		f, err := SplitText(inner.SQL)
		if err != nil {
			continue
		}
		for i := range f.Stmts {
			s.applyStatement(&f.Stmts[i], inner.SQL[f.Stmts[i].Start:f.Stmts[i].End])
		}
	}
}

func (s *session) applyTransaction(x *TransactionStmt) {
	switch x.Kind {
	case TransactionStmtKind_TRANS_STMT_BEGIN, TransactionStmtKind_TRANS_STMT_START:
		if !s.open {
			s.open, s.before = true, s.kept
		}
	case TransactionStmtKind_TRANS_STMT_COMMIT, TransactionStmtKind_TRANS_STMT_PREPARE:
		if s.goesOn && s.open && s.kept.Off != s.before.Off {
			s.kept = s.kept.withUnsure() // if a statement failed, COMMIT is a ROLLBACK
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
