const { DataTypes, Model } = require('sequelize');

class Person extends Model {}

module.exports = (sequelize) =>
  Person.init(
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      nickname: {
        type: DataTypes.STRING,
        field: 'nick',
      },
      parentId: { type: DataTypes.BIGINT, field: 'parent_id' },
      state: { type: DataTypes.STRING, defaultValue: 'new' },
    },
    { sequelize, modelName: 'person', timestamps: false },
  );
