using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading.Tasks;

/// <summary>
/// What an LPS does with the connector (.NET, and .NET Framework 4.5 or later):
/// Lps.exe cr.xml correspondant@autre.mssante.fr, with MSS_TOKEN from "mss-connector client add" in the environment;
/// MSS_API only when the port is another one.
/// </summary>
public static class Lps
{
    private static readonly string Api =
        (Environment.GetEnvironmentVariable("MSS_API") ?? "http://127.0.0.1:8723/api/v1") + "/";

    private static readonly HttpClient Http = new HttpClient { BaseAddress = new Uri(Api) };

    public static int Main(string[] arguments)
    {
        var token = Environment.GetEnvironmentVariable("MSS_TOKEN");
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        Run(arguments[0], arguments[1]).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task Run(string path, string recipient)
    {
        // 1. Send. With the answer 202 the document is kept and survives power loss.
        var sent = await Send(path, recipient, "CR-2026-0417");
        Console.WriteLine("sent " + sent.Id);

        // 2. The same again, as after a break: the same key gives the same message, and nothing is sent twice.
        if ((await Send(path, recipient, "CR-2026-0417")).Id != sent.Id)
        {
            throw new InvalidOperationException("sent twice");
        }

        // 3. What became of it?
        Console.WriteLine("state " + (await Get<Message>("messages/" + sent.Id)).State);

        // 4. What arrived and was not taken yet: save its documents, then say that you have it.
        foreach (var received in (await Get<Page>("inbox?taken=false")).Items)
        {
            foreach (var document in (await Get<Received>("inbox/" + received.Id)).Documents)
            {
                var content = await Http.GetByteArrayAsync("inbox/" + received.Id + "/documents/" + document.Number);
                File.WriteAllBytes(received.Id + "-" + document.Number, content);
            }
            await Checked(await Http.PostAsync("inbox/" + received.Id + "/taken", null));
            Console.WriteLine("received " + received.Id);
        }

        // 5. Follow what happens, from the last number that you know (0: all that is kept). Never stop; here we do.
        using (var following = new HttpRequestMessage(HttpMethod.Get, "events"))
        {
            following.Headers.Add("Last-Event-ID", "0");
            using (var answer = await Http.SendAsync(following, HttpCompletionOption.ResponseHeadersRead))
            using (var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(), Encoding.UTF8))
            {
                string line;
                while ((line = await lines.ReadLineAsync()) != null)
                {
                    if (line.StartsWith("data:", StringComparison.Ordinal) && line.Contains(sent.Id))
                    {
                        Console.WriteLine("event " + line);
                        break;
                    }
                }
            }
        }
    }

    private static async Task<Message> Send(string path, string recipient, string key)
    {
        var head = "{\"mailbox\": \"dr-modele\", \"recipients\": [{\"address\": \"" + recipient + "\"}]}";
        using (var form = new MultipartFormDataContent())
        using (var request = new HttpRequestMessage(HttpMethod.Post, "messages"))
        {
            form.Add(new StringContent(head, Encoding.UTF8, "application/json"), "message");
            form.Add(new ByteArrayContent(File.ReadAllBytes(path)), "documents", Path.GetFileName(path));
            request.Content = form;
            request.Headers.Add("Idempotency-Key", key);
            return await Read<Message>(await Http.SendAsync(request));
        }
    }

    private static async Task<T> Get<T>(string path)
    {
        return await Read<T>(await Http.GetAsync(path));
    }

    private static async Task<T> Read<T>(HttpResponseMessage answer)
    {
        var content = await (await Checked(answer)).Content.ReadAsStreamAsync();
        return (T)new DataContractJsonSerializer(typeof(T)).ReadObject(content);
    }

    /// <summary>A refusal is problem+json: act on its "code", show its "title_fr" and "cure_fr".</summary>
    private static async Task<HttpResponseMessage> Checked(HttpResponseMessage answer)
    {
        if (!answer.IsSuccessStatusCode)
        {
            throw new IOException((int)answer.StatusCode + " " + await answer.Content.ReadAsStringAsync());
        }
        return answer;
    }

    [DataContract]
    public sealed class Message
    {
        [DataMember(Name = "id")] public string Id { get; set; }
        [DataMember(Name = "state")] public string State { get; set; }
    }

    [DataContract]
    public sealed class Page
    {
        [DataMember(Name = "items")] public List<Message> Items { get; set; }
    }

    [DataContract]
    public sealed class Document
    {
        [DataMember(Name = "number")] public int Number { get; set; }
    }

    [DataContract]
    public sealed class Received
    {
        [DataMember(Name = "documents")] public List<Document> Documents { get; set; }
    }
}
