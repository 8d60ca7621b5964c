package psqlfile

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// truth is the value of the condition of an \if or \elif: isUnknown if a variable or the output of a program in it is not known.
type truth int

const (
	isFalse truth = iota
	isTrue
	isUnknown
)

// branch is an open \if.
type branch struct {
	// reached is set if psql gets to this \if, maybe if that depends on another condition.
	reached, maybe bool
	// active and conditional are these of the current branch. taken says whether psql has taken a branch before.
	active, conditional bool
	taken               truth
}

func (r *reading) isActive() bool {
	return len(r.branches) == 0 || r.branches[len(r.branches)-1].active
}

func (r *reading) isConditional() bool {
	return len(r.branches) > 0 && r.branches[len(r.branches)-1].conditional
}

// readCondition follows \if, \elif, \else and \endif; false for another command.
func (r *reading) readCondition(run *textRun, p pgparse.PsqlPiece) bool {
	name, rest := splitCommand(run.file.text[p.Start:p.End])
	if name != "if" && name != "elif" && name != "else" && name != "endif" {
		return false
	}
	run.endAt(p.Start)
	r.changed = true
	last := len(r.branches) - 1
	if name == "if" {
		b := branch{reached: r.isActive(), maybe: r.isConditional()}
		b.enterBranch(func() truth { return r.evaluateCondition(rest) })
		r.branches = append(r.branches, b)
		return true
	}
	if last < 0 { // psql prints an error, and goes on
		return true
	}
	switch b := &r.branches[last]; name {
	case "elif":
		b.enterBranch(func() truth { return r.evaluateCondition(rest) })
	case "else":
		b.enterBranch(func() truth { return isTrue })
	case "endif":
		r.branches = r.branches[:last]
	}
	return true
}

// enterBranch begins the next branch of an \if.
func (b *branch) enterBranch(condition func() truth) {
	b.active, b.conditional = false, false
	if !b.reached || b.taken == isTrue {
		return
	}
	now := condition()
	b.active = now != isFalse
	b.conditional = b.maybe || now == isUnknown || b.taken == isUnknown
	if now != isFalse {
		b.taken = now
	}
}

// evaluateCondition returns the value of a condition: a word that psql takes as true or false. Any other text is an error, and false.
func (r *reading) evaluateCondition(rest string) truth {
	args := r.readArguments(rest)
	var words []string
	for _, a := range args {
		if !a.known {
			return isUnknown
		}
		words = append(words, a.text)
	}
	word := strings.ToLower(strings.Join(words, " "))
	if word == "1" || word == "on" || word != "" && (strings.HasPrefix("true", word) || strings.HasPrefix("yes", word)) {
		return isTrue
	}
	return isFalse
}
