// What jest loads where the extension imports a style sheet.
module.exports = {};
