package inventory

// treatment says whether an entry of a replaced relation or column may get lost, and which step keeps it.
type treatment int

const (
	refused  treatment = iota // it would be lost: the plan is refused unless it was made for it
	carried                   // live.CarryProperties or the plan's steps give it to the replacement
	kept                      // it is not dropped with the replaced object, or holds nothing that could be lost
	adopted                   // it is refused if it was not there at the plan's start: the replacement gets its present form
	ordinary                  // it is refused unless its definition is an ordinary one
)

// rule is the treatment of a kind of entries if a column or a table is replaced.
type rule struct {
	column, table treatment
	reason        string // for carried and kept
	definitions   string // the ordinary definitions, separated by spaces
}

// rules have each kind of entries.
var rules = map[string]rule{
	"kind":                 {kept, kept, "no command changes it, and the plan's schema has it", ""},
	"schema":               {kept, kept, "the plan names the relation with its schema", ""},
	"owner":                {kept, carried, "ALTER TABLE … OWNER TO", ""},
	"persistence":          {kept, ordinary, "", "p"},
	"access method":        {kept, ordinary, "", "heap"},
	"tablespace":           {kept, refused, "", ""},
	"settings":             {kept, carried, "ALTER TABLE … SET", ""},
	"settings of TOAST":    {kept, carried, "ALTER TABLE … SET", ""},
	"row security":         {kept, refused, "", ""},
	"replica identity":     {refused, ordinary, "", "FULL NOTHING"},
	"type":                 {kept, refused, "", ""},
	"partition key":        {kept, kept, "the plan knows the kind of the table", ""},
	"default partition":    {kept, kept, "an entry of its own", ""},
	"populated":            {kept, kept, "no step replaces a materialized view", ""},
	"extension":            {refused, refused, "", ""},
	"initial privileges":   {kept, kept, "only pg_dump reads them, for members of an extension", ""},
	"foreign table":        {kept, refused, "", ""},
	"parent":               {kept, refused, "", ""},
	"partition":            {kept, refused, "", ""},
	"child":                {kept, refused, "", ""},
	"column":               {kept, refused, "the plan is about its type, which the plan's trigger keeps", ""},
	"not null":             {refused, refused, "", ""},
	"not null constraint":  {kept, kept, "the entry not null has it, and a step gives it its name; its comment is carried over", ""},
	"identity":             {adopted, adopted, "", ""},
	"default":              {refused, refused, "", ""},
	"generated column":     {refused, refused, "", ""},
	"storage":              {carried, carried, "ALTER COLUMN … SET STORAGE", ""},
	"compression":          {carried, carried, "ALTER COLUMN … SET COMPRESSION", ""},
	"statistics target":    {carried, carried, "ALTER COLUMN … SET STATISTICS", ""},
	"settings of column":   {carried, carried, "ALTER COLUMN … SET", ""},
	"options of column":    {refused, refused, "", ""},
	"privilege":            {carried, carried, "GRANT and REVOKE", ""},
	"comment":              {carried, carried, "COMMENT ON", ""},
	"security label":       {refused, refused, "", ""},
	"index":                {refused, refused, "", ""},
	"primary key":          {refused, refused, "", ""},
	"unique constraint":    {refused, refused, "", ""},
	"exclusion constraint": {refused, refused, "", ""},
	"check":                {refused, refused, "", ""},
	"foreign key":          {refused, refused, "", ""},
	"trigger":              {refused, refused, "", ""},
	"rule":                 {refused, refused, "", ""},
	"query":                {refused, refused, "", ""},
	"policy":               {refused, refused, "", ""},
	"statistics":           {refused, refused, "", ""},
	"view":                 {refused, refused, "", ""},
	"materialized view":    {refused, refused, "", ""},
	"function":             {refused, refused, "", ""},
	"sequence":             {adopted, adopted, "", ""},
	"publication":          {refused, refused, "", ""},
	"subscription":         {refused, refused, "", ""},
	"object":               {refused, refused, "", ""},
}
