// Package dotnet reads the models that C# declares to Entity Framework, and enums.
package dotnet
