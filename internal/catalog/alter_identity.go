package catalog

import (
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// addIdentity is ADD GENERATED … AS IDENTITY; e may be changed in place.
func (f *fold) addIdentity(t *Relation, e *Column, con *pgparse.Constraint) {
	if e.Identity != "" {
		f.addProblem(f.isHistoryComplete(), pgerror.IdentityAlready, e.Name, t.Name.Name)
		return
	}
	e.copyRare().Identity = identityWords(con.GetGeneratedWhen())
	if !e.NotNull && e.Inferred {
		e.NotNull = true
	}
	f.makeSequence(t, sequenceSpec{column: e.Name, kind: e.Type.Name.Name, identity: true, options: con.GetOptions()})
}

// setIdentity handles SET GENERATED with the sequence options in it.
func (f *fold) setIdentity(e *Column, options []*pgparse.Node) {
	for _, n := range options {
		if d := n.GetDefElem(); d.GetDefname() == "generated" {
			e.copyRare().Identity = "by default"
			if d.GetArg().GetInteger().GetIval() == 'a' {
				e.copyRare().Identity = "always"
			}
		}
	}
	if seq := f.editRelation(e.Sequence); seq != nil && seq.Seq != nil {
		info := *seq.Seq
		info.Moved = info.Moved || movesSequence(options)
		info.Options = mergeSequenceOptions(info.Options, options)
		seq.Seq = &info
	}
}

// dropIdentity is DROP IDENTITY.
func (f *fold) dropIdentity(t *Relation, e *Column, missingOK bool) {
	if e.Identity == "" && !missingOK && !e.Inferred && !e.Inherited {
		f.addProblem(f.isHistoryComplete(), pgerror.IdentityNot, e.Name, t.Name.Name)
		return
	}
	e.copyRare().Identity = ""
	if e.Sequence != 0 {
		f.removeSequence(e.Sequence)
		e.Sequence = 0
	}
}
