package onward

// PlanReplacement is a relation or a column that takes the place of another one. A database may know more of the old
// one than the plan does: privileges, comments, settings. Whoever runs the step gives them to the new one.
type PlanReplacement struct {
	Kind ReplacementKind `json:"kind"`
	// Old and New are the relations, as SQL writes them. Of a column both are its table.
	Old string `json:"old"`
	New string `json:"new"`
	// OldColumn and NewColumn are the names of columns, without quotes.
	OldColumn string `json:"old_column,omitempty"`
	NewColumn string `json:"new_column,omitempty"`
	// Sets are the properties that the release itself changes, so that nobody takes them from the old one: "owner",
	// "comment", "settings", "default", "SELECT to reporting". [CommentOn] is before a column of a table, as are "storage of "
	// and "compression of ".
	Sets []string `json:"sets,omitempty"`
	// Known is what was on the old relation when the plan was made: "trigger t", "view sales.v", "index users_email_idx".
	Known []string `json:"known,omitempty"`
}

// CommentOn is before the name of a column whose comment the release changes, in [PlanReplacement.Sets], and before "index i", "constraint c",
// "trigger t", "statistics s".
const CommentOn = "comment on "

// FormOf is before the name of an index or a constraint that the release itself drops, makes or alters, in [PlanReplacement.Sets].
const FormOf = "form of "

// ReplacementKind says what takes the place of something.
type ReplacementKind string

// The kinds of replacements.
const (
	ReplacementView   ReplacementKind = "view"   // under the old name of a renamed table
	ReplacementColumn ReplacementKind = "column" // of the same table
	ReplacementTable  ReplacementKind = "table"
)
