-- name: list_recipes
SELECT r.name, r.style, r.prefix, r.settings
FROM skyscript.caption_recipe AS r
ORDER BY r.name;
