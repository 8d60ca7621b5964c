package facts

// Default says what a mapper inserts into a column if the program gives no value.
type Default int

// The answers. A mapper that leaves a column out without saying so makes it DefaultUnknown.
const (
	DefaultUnknown Default = iota
	// DefaultByServer: the model says that the database has a default. The INSERT says DEFAULT, or leaves the column out.
	DefaultByServer
	// DefaultByModel: the model has a value.
	DefaultByModel
)

// ModelSnapshot ends the name of the file with the model that Entity Framework keeps beside its migrations.
const ModelSnapshot = "ModelSnapshot.cs"
