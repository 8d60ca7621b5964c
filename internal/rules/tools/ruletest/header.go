package ruletest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rules/tools/page"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// readExampleHeader reads a header of one example: "bad.transaction".
func (f *Fixture) readExampleHeader(key, value string) error {
	name, key, _ := strings.Cut(key, ".")
	index := slices.IndexFunc(f.Releases, func(r Release) bool { return r.Name == name })
	if index < 0 {
		return fmt.Errorf("%s.%s: there is no example %q", name, key, name)
	}
	r := &f.Releases[index]
	var err error
	switch key {
	case "framework":
		r.Framework = value
	case "transaction":
		r.Transaction = onward.Transaction(value)
		return checkTransaction(r.Transaction)
	case "connections":
		for _, number := range strings.Fields(value) {
			n, err := strconv.Atoi(number)
			if err != nil {
				return fmt.Errorf("%s.connections: %q is no number", name, number)
			}
			r.Connections = append(r.Connections, n)
		}
	case "together":
		r.Transaction, r.Together = onward.TransactionFile, 1
	case "change":
		if err := r.readChange(value); err != nil {
			return fmt.Errorf("%s.%w", name, err)
		}
	case "program":
		var c script.Code
		if _, err := fmt.Sscan(value, &c.Line, &c.Name, &c.Verb, &c.Table); err != nil {
			return fmt.Errorf("%s.program: %q: write line, name, verb and table", name, value)
		}
		flags := strings.Fields(value)[4:]
		c.Whole, c.Few, c.Batches, c.Apart = slices.Contains(flags,
			"whole"), slices.Contains(flags, "few"), slices.Contains(flags, "batches"), slices.Contains(flags, "apart")
		r.Programs = append(r.Programs, c)
	case "writes":
		var c script.Change
		if _, err := fmt.Sscan(value, &c.Line, &c.Name, &c.Verb, &c.Table); err != nil {
			return fmt.Errorf("%s.writes: %q: write line, name, verb and table", name, value)
		}
		c.Columns = strings.Fields(value)[4:]
		r.Writes = append(r.Writes, c)
	case "refusal":
		line, text, _ := strings.Cut(value, " ")
		n, err := strconv.Atoi(line)
		if err != nil {
			return fmt.Errorf("%s.refusal: %q: write line and message", name, value)
		}
		r.Refusals = append(r.Refusals, history.Refusal{Line: n, Column: 1, Message: text, Harm: "the run stops at it", Instead: "mend it"})
	case "otherwise":
		return r.readOtherwise(value)
	case "pg":
		r.Versions, r.Servers, err = page.ParseVersions(value)
		return err
	case "servers":
		_, r.Servers, err = page.ParseVersions(value)
		return err
	case "fails":
		r.Fails, err = parseSQLState(value)
		return err
	case "old":
		r.Old = append(r.Old, value)
	case "unseen":
		r.Unseen = append(r.Unseen, value)
	default:
		return fmt.Errorf("unknown header %q of an example", key)
	}
	return nil
}

// readOtherwise reads how the file is sent where the guess is wrong, and an error of that.
func (r *Release) readOtherwise(value string) error {
	words := strings.SplitN(value, " ", 5)
	if len(words) != 2 && len(words) != 5 {
		return fmt.Errorf("otherwise: %q: write how it is sent, how else, line, rule and harm, or only the first two", value)
	}
	r.Transaction, r.Other, r.Otherwise = onward.Transaction(words[0]), onward.Transaction(words[1]), []onward.Finding{}
	if len(words) == 2 {
		return nil
	}
	n, err := strconv.Atoi(words[2])
	r.Otherwise = append(r.Otherwise, onward.Finding{
		Rule:     words[3],
		Category: onward.InTransaction,
		Severity: onward.Error,
		Line:     n,
		Fact:     words[4],
		Harm:     words[4],
	})
	return err
}

// parseSQLState reads the value of a fails header.
func parseSQLState(value string) (string, error) {
	if value == "none" {
		return "", nil
	}
	if len(value) != 5 {
		return "", fmt.Errorf("fails: %q is no SQLSTATE, and not \"none\"", value)
	}
	return value, nil
}

func checkTransaction(t onward.Transaction) error {
	if !slices.Contains([]onward.Transaction{onward.TransactionNone, onward.TransactionFile, onward.TransactionMessage, onward.TransactionPipeline}, t) {
		return fmt.Errorf("transaction: %q is not one of none, file, message, pipeline", t)
	}
	return nil
}

func (f *Fixture) readHeader(key, value string) (err error) {
	switch key {
	case "fails":
		f.Fails, err = parseSQLState(value)
		return err
	case "old":
		f.Old = append(f.Old, value)
	case "pg":
		f.Versions, f.servers, err = page.ParseVersions(value)
		return err
	case "claim":
		return f.readClaim(value)
	case "transaction":
		f.Transaction = onward.Transaction(value)
		return checkTransaction(f.Transaction)
	case "framework":
		f.Framework = value
	case "today":
		f.Today = value
	case "deprecated":
		column, words, _ := strings.Cut(value, " ")
		f.Deprecated = map[string]string{column: words}
	case "contract":
		f.Contract = value
	case "inserts":
		table, columns, _ := strings.Cut(strings.TrimSuffix(value, ")"), " (")
		f.Inserts[table] = append(f.Inserts[table], strings.Split(columns, ", "))
	case "code":
		name, line, _ := strings.Cut(value, " ")
		f.Code[name] = append(f.Code[name], line)
	case "runner":
		return f.readRunner(value)
	case "uses", "unused":
		for _, v := range strings.Fields(value) {
			f.Uses[v] = key == "uses"
		}
	case "defaulted":
		for _, v := range strings.Fields(value) {
			f.Uses[v], f.Defaulted[v] = true, true
		}
	case "given":
		for _, v := range strings.Fields(value) {
			f.Uses[v], f.Given[v] = true, true
		}
	default:
		return fmt.Errorf("unknown header %q", key)
	}
	return nil
}

// readClaim reads relation, lock and work.
func (f *Fixture) readClaim(value string) error {
	fields := strings.Fields(value)
	if len(fields) != 3 {
		return fmt.Errorf("claim: %q: write relation, lock and work", value)
	}
	c := Claim{Relation: fields[0]}
	if err := c.Lock.UnmarshalText([]byte(fields[1])); err != nil {
		return err
	}
	if err := c.Work.UnmarshalText([]byte(fields[2])); err != nil {
		return err
	}
	f.Claims = append(f.Claims, c)
	return nil
}

// readRunner reads what the connection of the runner sets.
func (f *Fixture) readRunner(value string) error {
	for _, set := range strings.Fields(value) {
		name, v, _ := strings.Cut(set, "=")
		n, err := strconv.Atoi(v)
		switch {
		case name == "rerun":
			f.Runner.Rerun = true
		case name == "after_deploy":
			f.Runner.AfterDeploy = true
		case err != nil:
			return fmt.Errorf("runner: %q", set)
		case name == "lock_timeout":
			f.Runner.LockTimeout = n
		case name == "statement_timeout":
			f.Runner.StatementTimeout = n
		default:
			return fmt.Errorf("runner: %q", set)
		}
	}
	return nil
}

// readChange reads a change of a deployed migration.
func (r *Release) readChange(value string) error {
	fields := strings.Fields(value)
	if len(fields) < 2 {
		return fmt.Errorf("change: %q: write kind and migration", value)
	}
	h := history.Change{Kind: history.Kind(fields[0]), Migration: fields[1], Path: fields[1]}
	for _, v := range fields[2:] {
		app, ofApp := strings.CutPrefix(v, "app=")
		switch {
		case v == "cosmetic":
			h.Cosmetic = true
		case v == "directory":
			h.Directory = true
		case ofApp:
			h.App = app
		default:
			h.Other = v
		}
	}
	r.Changes = append(r.Changes, h)
	return nil
}
