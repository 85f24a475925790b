-- Has HAProxy load the files of TLS again when they change, without a restart and without closing a
-- connection. Certificate and key are written one after the other: while they do not fit each other, HAProxy
-- refuses them and goes on with the old ones. Arguments: the folder with the links, and HAProxy's admin socket.
local folder, admin = ...
local every_ms = 2000
local certificate = { name = folder .. "/service.crt", command = "cert", parts = { "service.crt", "service.key" } }
local authorities = { name = folder .. "/client-ca.pem", command = "ca-file", parts = { "client-ca.pem" } }

local function content(watched)
  local texts = {}
  for _, part in ipairs(watched.parts) do
    local file = io.open(folder .. "/" .. part, "r")
    if not file then
      return nil
    end
    texts[#texts + 1] = file:read("a")
    file:close()
  end
  return table.concat(texts, "\n")
end

local function answer(command)
  local socket = core.tcp()
  socket:settimeout(5)
  local connected, problem = socket:connect("unix@" .. admin)
  if not connected then
    return tostring(problem)
  end
  socket:send(command .. "\n")
  local text = socket:receive("*a")
  socket:close()
  return text or "no answer"
end

local function load(watched, text)
  local lines = text:gsub("\r", ""):gsub("\n+", "\n") -- an empty line would end what is sent
  local set = answer("set ssl " .. watched.command .. " " .. watched.name .. " <<\n" .. lines .. "\n")
  local done = answer("commit ssl " .. watched.command .. " " .. watched.name)
  if done:find("Success") then
    core.log(core.notice, watched.name .. " is loaded again")
    return
  end
  answer("abort ssl " .. watched.command .. " " .. watched.name)
  core.log(core.alert, watched.name .. " has changed and is not loaded; the old one counts. " .. set .. done)
end

local function watch(watched)
  local last = content(watched)
  while true do
    core.msleep(every_ms)
    local text = content(watched)
    if text and last and text ~= last then
      load(watched, text)
    end
    last = text or last
  end
end

core.register_task(watch, certificate)
if content(authorities) then
  core.register_task(watch, authorities)
end
