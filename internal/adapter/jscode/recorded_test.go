package jscode

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
)

// The child's answer is not trusted: a call without a name is listed as not judged.
func TestNamelessCall(t *testing.T) {
	t.Parallel()
	form := Form{Translate: func(Value) Translation { return Translation{Why: "it is no call"} }}
	up := newRecorder(form, Up{Parameter: "knex"}, "").readCalls([]jsrun.Call{{Value: jsrun.Value{Kind: jsrun.Chain}}, {Value: jsrun.Value{Kind: "other"}}})
	if len(up.Unread) != 1 || up.Unread[0] != (Unread{Line: 1, Column: 1, Call: "knex", Why: "it is no call"}) {
		t.Errorf("%+v", up.Unread)
	}
}
